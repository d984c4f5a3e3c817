import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../config/package-root.ts";
import { generateFleet } from "../../sources/synthetic/fleet.ts";

/**
 * Ten weeks of the fleet of examples/regime-change, refitted after five. Forty machines fail about eleven times a week: one
 * failure more or less then moves the quality of a week by a tenth, and not by as much as a test allows. Of twelve machines it is a third.
 */
export const REFITTED_FLEET = { assets: 40, days: 70, intervalMinutes: 180, refitAtDay: 35, seed: 3 };

export interface RefittedFleet {
  readonly pipeline: string;
  /** Name → text. */
  readonly files: Readonly<Record<"readings.csv" | "events.csv", string>>;
}

/** The example's pipeline file, or with one text of it changed. */
function examplePipeline(change?: readonly [from: string, to: string]): string {
  const text = readFileSync(join(packageRoot(), "examples/regime-change/pipeline.yaml"), "utf8");
  if (change === undefined) return text;
  if (!text.includes(change[0])) throw new Error(`the example has no [${change[0]}]`);
  return text.replace(change[0], change[1]);
}

export async function refittedFleet(change?: readonly [from: string, to: string]): Promise<RefittedFleet> {
  const folder = mkdtempSync(join(tmpdir(), "aura-refitted-"));
  try {
    const { files } = await generateFleet(REFITTED_FLEET, folder);
    return {
      pipeline: examplePipeline(change),
      files: {
        "readings.csv": readFileSync(files.readings, "utf8"),
        "events.csv": readFileSync(files.events, "utf8"),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
