import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { measureAi4i } from "./ai4i.ts";
import { measureAi4iDetectors, measureFd001Detectors } from "./detectors.ts";
import { measureFd001 } from "./fd001.ts";
import { PIPELINE_SPECS } from "./specs.ts";

/** Accuracy and wall time of whole runs on the two public data sets. */
export const pipelineSuite: BenchSuite = {
  name: "pipeline",
  about:
    "Whole runs of the example pipelines through `aura run`, every seed in a state folder of its own: files in, promoted model out. Settings come from training engines only; the peer of the accuracy rows is LightGBM (`benchmarks/peers/lightgbm_*.py`), on FD001 with our features, folds and judged rows.",
  specs: PIPELINE_SPECS,
  run: runPipelineSuite,
};

async function runPipelineSuite(context: SuiteContext): Promise<void> {
  const data = join(context.root, "..", "shared", "data");
  for (const [folder, measure] of [
    ["cmapss", measureFd001],
    ["ai4i", measureAi4i],
    ["cmapss", measureFd001Detectors],
    ["ai4i", measureAi4iDetectors],
  ] as const) {
    const path = join(data, folder);
    if (existsSync(path)) await measure(context, path);
    else context.say(`skipped: ../shared/data/${folder} is absent (examples/README.md says where to get it)`);
  }
}
