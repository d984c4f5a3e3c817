import { sealView } from "../../../features/feature-view.ts";
import type { FeatureView } from "../../../features/feature-view.ts";
import { timeUnitsPer } from "../../../features/labels/label-plan.ts";
import type { LabelPlan } from "../../../features/labels/label-plan.ts";
import { OUTPUT_NAMES } from "../../../numerics/onnx/export.ts";
import { rateOf, simulateSavings } from "../../../numerics/maintenance/savings.ts";
import type { Life, Savings, StrategyTotals } from "../../../numerics/maintenance/savings.ts";
import { quantile } from "../../../numerics/stats/quantile.ts";
import type { SavingsReport, SavingsStrategy } from "../../../schemas/maintenance/savings.ts";
import { HOLDOUT_FOLD, splitDocumentSchema } from "../../../schemas/data/split.ts";
import type { MaintenancePolicy } from "../../../schemas/pipeline/maintenance.ts";
import { lifeInUnits } from "../../../schemas/pipeline/time.ts";
import { timeKindOf } from "../../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { getDocument, putDocument } from "../../../stores/objects/documents.ts";
import type { VersionRow } from "../../../stores/postgres/port.ts";
import type { ActivityDeps } from "../../dependencies.ts";
import { answerRows } from "../../evaluation/champion-score.ts";
import { headline } from "../../evaluation/graph-runner.ts";
import { featureRows } from "../../evaluation/scoring.ts";
import type { FeatureTable } from "../../features/feature-table.ts";
import { trainingChoice } from "../../features/row-choice.ts";
import { transformDataset } from "../../features/transform-dataset.ts";
import type { Beat } from "../../heartbeat.ts";
import { judgedVersion } from "../../performance/judged-version.ts";
import type { JudgedVersion } from "../../performance/judged-version.ts";
import { rowFolds, rowsWhere } from "../../split/row-folds.ts";
import { lengthOf, workCostsOf } from "../assessment.ts";
import { livesOf } from "./lives.ts";

/** Lives that are drawn. */
const MOST_DRAWN = 60;
const SEED = 7;
const PER = 1_000;

/**
 * What maintenance by a version would have cost on its holdout: the version's own answers for every held-out reading, alarms as the
 * policy raises them, and the lives as they were.
 *
 * @throws {PlatformError} conflict: the task or the policy says nothing of costs; not_enough_data: no life is held out
 */
export async function simulateVersion(
  deps: ActivityDeps,
  given: { readonly row: VersionRow; readonly policy: MaintenancePolicy },
  beat: Beat,
): Promise<SavingsReport> {
  const { row, policy } = given;
  const name = `${row.model}@${row.version}`;
  const { costs } = policy;
  if (costs === undefined)
    throw new PlatformError(
      "conflict",
      `simulate savings [${name}]: declare maintenance.costs in the pipeline file`,
    );
  const judged = await judgedVersion(deps, row);
  const { task, label } = judged.pipeline;
  const isFit = task.kind === "rul" || task.kind === "failure_within";
  if (!isFit || (label.kind !== "events" && label.kind !== "end_of_life"))
    throw new PlatformError(
      "conflict",
      `simulate savings [${name}]: expected the task rul or failure_within with failures as its label, got ${task.kind} with ${label.kind}`,
    );
  const table = await lifeTable(deps, judged, beat);
  const rows = await heldRows(deps, row, table);
  const holds = await answersHold(deps, { judged, policy, table, rows });
  const perUnit = timeUnitsPer(timeKindOf(judged.pipeline));
  const { hits, of } = policy.when.repeat;
  const lead = policy.leadTime === undefined ? 0 : lengthOf(policy.leadTime);
  // A case ends with its work, at the earliest; of cycles nobody knows how long they last.
  const isTimed = timeKindOf(judged.pipeline) === "timestamp";
  const again = policy.again === undefined || !isTimed ? undefined : lead + lengthOf(policy.again);
  const repeat = { hits, of, ...(again === undefined ? {} : { again }) };
  const lives = livesOf(table, { rows, holds: holds.each }, { perUnit, repeat });
  if (lives.length === 0)
    throw new PlatformError("not_enough_data", `simulate savings [${name}]: no life is held out`);
  const work = workCostsOf(costs);
  const asked = {
    lead,
    horizon: task.kind === "failure_within" ? lengthOf(task.horizon) : null,
  };
  const priced = { ...work, inspection: costs.inspection ?? work.planned };
  const savings = simulateSavings(lives, { policy: asked, costs: priced, seed: SEED });
  return {
    kind: "aura.savings/1",
    model: row.model,
    version: row.version,
    digest: row.digest,
    dataset: row.dataset,
    task: task.kind,
    unit: isTimed ? "h" : "cycles",
    currency: costs.currency,
    costs: priced,
    policy: { ...asked, hits, of, threshold: holds.threshold },
    ...reported(lives, savings),
    realized: null,
    notes: notesOf(table, lives, asked),
  };
}

/** The version's features with the whole remaining life of each row as label, whatever the version learnt. */
async function lifeTable(
  deps: ActivityDeps,
  { row, view, pipeline }: JudgedVersion,
  beat: Beat,
): Promise<FeatureTable> {
  const dataset = await deps.db.datasets.get(row.dataset);
  const { fitted } = row.manifest.files;
  if (dataset === undefined || fitted === undefined)
    throw new PlatformError(
      "not_found",
      `simulate savings [${row.model}@${row.version}]: the dataset it was trained on is gone`,
    );
  const { hash: _hash, ...own } = view;
  const { featureSet } = await transformDataset(
    deps,
    {
      dataset: await putDocument(deps.objects, dataset.manifest),
      view: await putDocument(deps.objects, sealView({ ...own, label: lifeLabel(view) })),
      fitted,
      hasLabel: true,
    },
    beat,
  );
  return deps.tables.load(featureSet, trainingChoice(pipeline));
}

function lifeLabel({ label }: FeatureView): LabelPlan {
  if (label.kind === "events") return { ...label, target: { task: "rul" }, keepsCensored: true };
  if (label.kind === "end_of_life") return { ...label, target: { task: "rul" } };
  throw new RangeError(`label: expected failures, got ${label.kind}`);
}

async function heldRows(
  deps: ActivityDeps,
  { model, version }: VersionRow,
  table: FeatureTable,
): Promise<Int32Array> {
  const holdout = await deps.db.registry.versionHoldout(model, version);
  if (holdout === undefined)
    throw new PlatformError(
      "not_found",
      `simulate savings [${model}@${version}]: its holdout is not on record`,
    );
  const folds = rowFolds(await getDocument(deps.objects, holdout.object, splitDocumentSchema), 0, table);
  return rowsWhere(folds.length, (row) => folds[row] === HOLDOUT_FOLD);
}

/** Whether each answer calls for maintenance, and from where on. */
async function answersHold(
  deps: ActivityDeps,
  given: {
    readonly judged: JudgedVersion;
    readonly policy: MaintenancePolicy;
    readonly table: FeatureTable;
    readonly rows: Int32Array;
  },
): Promise<{ readonly each: boolean[]; readonly threshold: number }> {
  const { judged, policy, table, rows } = given;
  const { row, signature, problem, pipeline } = judged;
  const outputs = await answerRows(deps, row, {
    inputs: featureRows(table, rows),
    nRows: rows.length,
    outputName: OUTPUT_NAMES[problem.kind],
  });
  const answers = headline(
    { outputs, nOutputs: rows.length === 0 ? 1 : outputs.length / rows.length },
    problem.kind,
  );
  if (problem.kind === "regression") {
    const threshold = lifeInUnits(policy.when.remaining ?? 0, timeKindOf(pipeline));
    return { each: Array.from(answers, (answer) => answer <= threshold), threshold };
  }
  const threshold = policy.when.probability ?? row.threshold ?? signature.output.threshold ?? 0.5;
  return { each: Array.from(answers, (answer) => answer >= threshold), threshold };
}

function reported(
  lives: readonly Life[],
  savings: Savings,
): Pick<
  SavingsReport,
  "lives" | "modelled" | "runToFailure" | "fixedAge" | "overRunToFailure" | "overFixedAge" | "timeline"
> {
  const count = (outcome: string) => savings.lives.filter((life) => life.outcome === outcome).length;
  const warnings = savings.lives.flatMap(({ warning }) => warning ?? []);
  const { age, ...fixed } = savings.fixedAge;
  const share = (key: "overRunToFailure" | "overFixedAge") => ({
    value: finite(savings[key]),
    low: savings.intervals[key]?.low ?? null,
    high: savings.intervals[key]?.high ?? null,
  });
  return {
    lives: {
      total: lives.length,
      assets: new Set(lives.map(({ asset }) => asset)).size,
      failed: lives.filter(({ hasFailed }) => hasFailed).length,
    },
    modelled: {
      ...strategyOf(savings.model),
      prevented: count("prevented"),
      missed: count("missed"),
      late: count("late"),
      replacedUnfailed: count("replaced_unfailed"),
      falseAlarms: savings.lives.reduce((sum, { nFalseAlarms }) => sum + nFalseAlarms, 0),
      medianWarning: warnings.length === 0 ? null : quantile(warnings, 0.5),
    },
    runToFailure: strategyOf(savings.runToFailure),
    fixedAge: { ...strategyOf(fixed), age: finite(age) },
    overRunToFailure: share("overRunToFailure"),
    overFixedAge: share("overFixedAge"),
    timeline: lives.slice(0, MOST_DRAWN).map(({ asset, begin, entry, end, hasFailed, alarms }, i) => ({
      asset,
      entry: entry - begin,
      end: end - begin,
      hasFailed,
      alarms: alarms.map((alarm) => alarm - begin),
      workAt: workAtOf(savings, i, begin),
      outcome: savings.lives[i]?.outcome ?? "",
    })),
  };
}

function workAtOf({ lives }: Savings, i: number, begin: number): number | null {
  const workAt = lives[i]?.workAt ?? null;
  return workAt === null ? null : workAt - begin;
}

function strategyOf(totals: StrategyTotals): SavingsStrategy {
  const { cost, lived, failures, works } = totals;
  return { cost, lived, failures, works, rate: finite(rateOf(totals) * PER) };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function notesOf(
  table: FeatureTable,
  lives: readonly Life[],
  { horizon }: { readonly horizon: number | null },
): string[] {
  return [
    "The fixed age is the best there was on these very lives: a plan made before could not have known it.",
    horizon === null
      ? "A part is replaced whenever an alarm says so; what it would still have lived counts as unused life."
      : "Work that no failure would follow within the horizon finds nothing; the life goes on, and warned of again it is only by the rule `again`.",
    ...(lives.every(({ hasFailed }) => hasFailed)
      ? ["Every life ends with a failure: false alarms on assets that never fail are not in this."]
      : []),
    ...(table.ofRows > table.t.length
      ? [
          `A sample of ${table.t.length} of ${table.ofRows} readings is looked at: alarms come later than they would.`,
        ]
      : []),
  ];
}
