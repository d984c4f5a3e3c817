import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isSeq, parseDocument } from "yaml";
import type { SuiteContext } from "../suite.ts";

/**
 * Path of an example's pipeline file; for `--quick` of a lighter copy with its first candidate alone and two folds once.
 * The copy keeps the data, features, label, holdout and gates, so that the whole way is still gone.
 */
export function pipelineFile(context: SuiteContext, example: string): string {
  const path = join(context.root, "examples", example, "pipeline.yaml");
  if (!context.quick) return path;
  const document = parseDocument(readFileSync(path, "utf8"));
  const candidates = document.get("candidates");
  if (isSeq(candidates)) candidates.items.splice(1);
  document.setIn(["split", "folds"], 2);
  document.setIn(["split", "repeats"], 1);
  const copy = join(context.scratch, `${example}.yaml`);
  writeFileSync(copy, document.toString());
  context.say(
    `${example}: quick, the first candidate alone and two folds once; the full suite measures the file as it is`,
  );
  return copy;
}
