import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isSeq, parseDocument } from "yaml";
import type { SuiteContext } from "../suite.ts";

/**
 * Path of an example's pipeline file; for `--quick` of a lighter copy with one candidate alone and its folds once.
 * The copy keeps the data, features, label, folds, holdout and gates, so that the whole way is still gone and the
 * figures can be judged.
 *
 * @param candidate kind of the one that stays
 */
export function pipelineFile(context: SuiteContext, example: string, candidate: string): string {
  const path = join(context.root, "examples", example, "pipeline.yaml");
  if (!context.quick) return path;
  const document = parseDocument(readFileSync(path, "utf8"));
  const candidates = document.get("candidates");
  if (isSeq(candidates)) {
    candidates.items = candidates.items.filter((item) => isMap(item) && item.get("kind") === candidate);
    // The blend that it was a member of is gone.
    for (const item of candidates.items) if (isMap(item)) item.delete("alone");
  }
  document.setIn(["split", "repeats"], 1);
  const copy = join(context.scratch, `${example}.yaml`);
  writeFileSync(copy, document.toString());
  context.say(
    `${example}: quick, the ${candidate} alone and its folds once; the full suite measures the file as it is`,
  );
  return copy;
}
