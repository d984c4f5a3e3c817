import { writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { auraCommand } from "../aura-command.ts";
import type { SuiteContext } from "../suite.ts";
import { watchMemory } from "./memory-watch.ts";
import type { StagePeak } from "./memory-watch.ts";
import { readingsPipeline } from "./pipeline.ts";

/** What the whole product needed for the readings. */
export interface ProductRun {
  /** Peaks by stage; empty where there is no /proc. */
  readonly peaks: ReadonlyMap<string, StagePeak>;
  /** Peak over everything up to the end of the transform. */
  readonly untilTransform: StagePeak | undefined;
  /** How it ended, for people. */
  readonly end: string;
}

const RUN_TIMEOUT_MS = 1_200_000;
const MEASURED = ["start", "ingest", "split", "transform"];

/**
 * `aura run` on the readings with everything it starts: PostgreSQL, Temporal, worker, API, and the default staging
 * limit. The run goes on to the training and its decision; for `--quick` it is interrupted after the transform.
 *
 * @throws {Error} with what the command printed, when it ends before the transform is done
 */
export async function runProduct(context: SuiteContext, csv: string): Promise<ProductRun> {
  const pipeline = join(context.scratch, "product.yaml");
  writeFileSync(pipeline, readingsPipeline(basename(csv)));
  const aura = auraCommand(context.root, join(context.scratch, "product-state"));
  const ended = new AbortController();
  let watching: Promise<ReadonlyMap<string, StagePeak>> = Promise.resolve(new Map());
  const args = ["run", pipeline, "--data", dirname(csv), "--approve-as", "bench@example.com", "--json"];
  const result = await aura.run(args, RUN_TIMEOUT_MS, (child) => {
    watching = watchMemory(child, ended.signal, (stage) => {
      if (stage === "transform" && context.quick) child.interrupt();
    });
  });
  ended.abort();
  const peaks = await watching;
  await aura.run(["down"], 60_000);
  if (!result.stderr.includes("✓ transform"))
    throw new Error(`aura run [exit code ${result.code}]: ${result.stderr.slice(-2_000)}`);
  const end = context.quick ? "interrupted after the transform" : `exit code ${result.code}`;
  return { peaks, untilTransform: highest(peaks), end };
}

function highest(peaks: ReadonlyMap<string, StagePeak>): StagePeak | undefined {
  return MEASURED.flatMap((stage) => peaks.get(stage) ?? []).toSorted((a, b) => b.rssBytes - a.rssBytes)[0];
}
