import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../config/package-root.ts";
import { generateFleet } from "../../sources/synthetic/fleet.ts";

/** A small one of examples/regime-change: ten weeks, refitted after five. */
export const SMALL_FLEET = { assets: 12, days: 70, intervalMinutes: 180, refitAtDay: 35, seed: 3 };

export interface RefittedFleet {
  readonly pipeline: string;
  /** Name → text. */
  readonly files: Readonly<Record<"readings.csv" | "events.csv", string>>;
}

/** The example's pipeline file, as large as a fleet of twelve can bear. */
export function smallPipeline(change?: readonly [from: string, to: string]): string {
  const text = readFileSync(join(packageRoot(), "examples/regime-change/pipeline.yaml"), "utf8");
  const changes = [
    ["numIterations: 120", "numIterations: 30"],
    ["folds: 4", "folds: 2"],
    ["min: 0.8", "min: 0.6"],
    ...(change === undefined ? [] : [change]),
  ] as const;
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`the example has no [${from}]`);
    return now.replace(from, to);
  }, text);
}

export async function refittedFleet(change?: readonly [from: string, to: string]): Promise<RefittedFleet> {
  const folder = mkdtempSync(join(tmpdir(), "aura-refitted-"));
  try {
    const { files } = await generateFleet(SMALL_FLEET, folder);
    return {
      pipeline: smallPipeline(change),
      files: {
        "readings.csv": readFileSync(files.readings, "utf8"),
        "events.csv": readFileSync(files.events, "utf8"),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
