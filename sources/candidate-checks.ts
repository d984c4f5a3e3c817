import { ISOLATION_FOREST_PARAMETERS, PCA_MONITOR_PARAMETERS } from "../numerics/anomaly/parameters.ts";
import { BLEND_PARAMETERS } from "../numerics/blend/parameters.ts";
import { FOREST_PARAMETERS } from "../numerics/forest/parameters.ts";
import { GBDT_PARAMETERS } from "../numerics/gbdt/parameters.ts";
import { LINEAR_PARAMETERS } from "../numerics/linear/parameters.ts";
import { describeRange, resolveParameters } from "../numerics/parameter-table.ts";
import type { ParameterTable } from "../numerics/parameter-table.ts";
import type { ParseOptions } from "../schemas/pipeline/parse.ts";
import type { Candidate } from "../schemas/pipeline/training.ts";

const TABLES: Readonly<Record<Exclude<Candidate["kind"], "external">, ParameterTable>> = {
  gbdt: GBDT_PARAMETERS,
  forest: FOREST_PARAMETERS,
  linear: LINEAR_PARAMETERS,
  blend: BLEND_PARAMETERS,
  pca_monitor: PCA_MONITOR_PARAMETERS,
  isolation_forest: ISOLATION_FOREST_PARAMETERS,
};

/** Checks of a pipeline file that need the trainers' own parameter tables: names and ranges of `candidates[].params`. */
export const TRAINER_CHECKS: ParseOptions = {
  extraChecks: (pipeline) =>
    pipeline.candidates.flatMap((candidate, i) =>
      Object.entries(candidate.params).flatMap(([name, value]) => {
        // What a trainer elsewhere takes, it alone knows.
        if (candidate.kind === "external") return [];
        const expected = expectation(TABLES[candidate.kind], name, value);
        return expected === undefined
          ? []
          : [{ path: ["candidates", i, "params"], key: name, expected, found: String(value) }];
      }),
    ),
};

/** What was expected instead, or undefined when the setting is right. */
function expectation(
  table: ParameterTable,
  name: string,
  value: number | string | boolean,
): string | undefined {
  const row = table[name];
  if (row === undefined) return `one of ${Object.keys(table).join(", ")}`;
  if (typeof value === "boolean") return describeRange(row);
  try {
    resolveParameters(table, { [name]: value });
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return describeRange(row);
    throw error;
  }
}
