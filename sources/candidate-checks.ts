import { ISOLATION_FOREST_PARAMETERS, PCA_MONITOR_PARAMETERS } from "../numerics/anomaly/parameters.ts";
import { BLEND_PARAMETERS } from "../numerics/blend/parameters.ts";
import { FOREST_PARAMETERS } from "../numerics/forest/parameters.ts";
import { GBDT_PARAMETERS } from "../numerics/gbdt/parameters.ts";
import { LOSSES } from "../numerics/gbdt/objectives/table.ts";
import { STOPPING_METRICS } from "../numerics/gbdt/stopping-metric.ts";
import { LINEAR_PARAMETERS } from "../numerics/linear/parameters.ts";
import { describeRange, resolveParameters } from "../numerics/parameter-table.ts";
import type { ParameterTable } from "../numerics/parameter-table.ts";
import { countGrid, MOST_GRID_POINTS } from "../numerics/search/sampler.ts";
import { checkSpace } from "../numerics/search/space.ts";
import type { Dimension } from "../numerics/search/space.ts";
import type { TaskKind } from "../numerics/task-kind.ts";
import type { ProblemKind } from "../schemas/pipeline/label.ts";
import type { ParseOptions } from "../schemas/pipeline/parse.ts";
import { FEATURES_DIMENSION } from "../schemas/pipeline/search.ts";
import type { SearchSettings } from "../schemas/pipeline/search.ts";
import { withSuggestion } from "../schemas/pipeline/reading/nearest.ts";
import type { Problem } from "../schemas/pipeline/reading/yaml-document.ts";
import { problemKindOf } from "../schemas/pipeline/semantics.ts";
import type { Candidate } from "../schemas/pipeline/training.ts";

/** Kinds whose trainer is here, and with it the table of its parameters. */
type OwnKind = Exclude<Candidate["kind"], "external">;
type OwnCandidate = Candidate & { readonly kind: OwnKind };

const TABLES: Readonly<Record<OwnKind, ParameterTable>> = {
  gbdt: GBDT_PARAMETERS,
  forest: FOREST_PARAMETERS,
  linear: LINEAR_PARAMETERS,
  blend: BLEND_PARAMETERS,
  pca_monitor: PCA_MONITOR_PARAMETERS,
  isolation_forest: ISOLATION_FOREST_PARAMETERS,
};

/**
 * Checks of a pipeline file that need the trainers' own parameter tables: names and ranges of `candidates[].params` and
 * `candidates[].search`.
 */
export const TRAINER_CHECKS: ParseOptions = {
  extraChecks: (pipeline) =>
    pipeline.candidates.flatMap((candidate, i) => {
      const { kind } = candidate;
      // What a trainer elsewhere takes, it alone knows.
      if (kind === "external") return [];
      const wrong = Object.entries(candidate.params).flatMap(([name, value]) => {
        const expected = expectation(TABLES[kind], name, value);
        return expected === undefined
          ? []
          : [
              {
                path: ["candidates", i, "params"],
                key: name,
                expected,
                found: Object.hasOwn(TABLES[kind], name) ? String(value) : name,
              },
            ];
      });
      const own = { ...candidate, kind };
      const ofTask = checkTaskOf(own, i, problemKindOf(pipeline));
      return [...checkSpaceOf(own, i), ...checkGridOf(own, i, pipeline.search), ...wrong, ...ofTask];
    }),
};

/** Words of boosting that are of one task each, and which that is; a word that is of all is not among them. */
const TASKS_OF_WORDS: Readonly<Record<string, Readonly<Record<string, { readonly taskKind: TaskKind }>>>> = {
  objective: LOSSES,
  stoppingMetric: STOPPING_METRICS,
};

/** A loss or a stopping metric of another task would end the run, or each trial, once it is trained. */
function checkTaskOf({ kind, params, search }: OwnCandidate, i: number, problem: ProblemKind): Problem[] {
  if (kind !== "gbdt" || problem === "anomaly") return [];
  const task = problem === "forecast" ? "regression" : problem;
  return Object.entries(TASKS_OF_WORDS).flatMap(([name, words]) => {
    const dimension = search?.[name];
    const searched = dimension?.kind === "choice" ? dimension.choices : [];
    const given = [
      ...(Object.hasOwn(params, name) ? [{ key: "params", value: params[name] }] : []),
      ...searched.map((value) => ({ key: "search", value })),
    ];
    const fitting = Object.keys(words).filter((word) => words[word]?.taskKind === task);
    return given.flatMap(({ key, value }): Problem[] => {
      const isOther = typeof value === "string" && Object.hasOwn(words, value) && !fitting.includes(value);
      if (!isOther) return [];
      const expected = `one of the task: ${fitting.join(", ")}, or the default`;
      return [{ path: ["candidates", i, key, name], expected, found: value }];
    });
  });
}

/** Every value that a search may try must be one that the trainer takes. */
function checkSpaceOf(candidate: OwnCandidate, i: number): Problem[] {
  const { search } = candidate;
  if (search === undefined) return [];
  const path = ["candidates", i, "search"];
  if (Object.keys(search).length === 0) return [{ path, expected: "at least one parameter", found: "none" }];
  return Object.entries(search).flatMap(([name, dimension]) => {
    const at = [...path, name];
    const problem = checkShape(name, dimension) ?? checkFixed(candidate, name);
    return problem === undefined
      ? checkValues(candidate.kind, name, dimension).map((p) => ({ path: at, ...p }))
      : [{ path: at, ...problem }];
  });
}

/** A grid grows with every dimension; one that no search could walk is refused before anything is trained. */
function checkGridOf({ search }: OwnCandidate, i: number, settings: SearchSettings | undefined): Problem[] {
  if (search === undefined || settings?.sampler !== "grid") return [];
  const isSound = Object.entries(search).every(([name, one]) => checkShape(name, one) === undefined);
  const size = isSound ? countGrid(search, settings.grid.values) : 0;
  if (size <= MOST_GRID_POINTS) return [];
  const expected = `a grid of at most ${MOST_GRID_POINTS} points (fewer dimensions, or a smaller search.grid.values)`;
  return [{ path: ["candidates", i, "search"], expected, found: `${size} points` }];
}

type DimensionProblem = Omit<Problem, "path">;

function checkShape(name: string, dimension: Dimension): DimensionProblem | undefined {
  try {
    checkSpace({ [name]: dimension });
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const said = error.message.slice(name.length).replace(/^ must (be |have )?/, "");
    const [expected = "", found = "none"] = said.split(", got ");
    return { expected, found };
  }
}

function checkFixed({ params, features }: OwnCandidate, name: string): DimensionProblem | undefined {
  const isFixed = name === FEATURES_DIMENSION ? features !== undefined : Object.hasOwn(params, name);
  return isFixed ? { expected: `${name} fixed or searched, not both`, found: "both" } : undefined;
}

function checkValues(kind: OwnKind, name: string, dimension: Dimension): DimensionProblem[] {
  if (name === FEATURES_DIMENSION) {
    const isOfTexts =
      dimension.kind === "choice" && dimension.choices.every((one) => typeof one === "string");
    const expected = "a choice of texts such as '*' and '*_mean_*'";
    return isOfTexts ? [] : [{ expected, found: dimension.kind }];
  }
  const row = TABLES[kind][name];
  // One problem, not one for every value that a name might take.
  if (row === undefined) return [{ expected: knownNames(TABLES[kind], name), found: name }];
  if (dimension.kind === "float" && "isInteger" in row && row.isInteger)
    return [{ expected: "kind integer, as the parameter is", found: "float" }];
  const values = dimension.kind === "choice" ? dimension.choices : [dimension.low, dimension.high];
  return values.flatMap((value) => {
    const expected = expectation(TABLES[kind], name, value);
    return expected === undefined ? [] : [{ expected, found: String(value) }];
  });
}

/** What was expected instead, or undefined when the setting is right. */
function expectation(
  table: ParameterTable,
  name: string,
  value: number | string | boolean,
): string | undefined {
  const row = table[name];
  if (row === undefined) return knownNames(table, name);
  if (typeof value === "boolean") return describeRange(row);
  try {
    resolveParameters(table, { [name]: value });
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return describeRange(row);
    throw error;
  }
}

function knownNames(table: ParameterTable, name: string): string {
  const names = Object.keys(table);
  return withSuggestion(`one of ${names.join(", ")}`, name, names);
}
