import { MIN_SLICE_ROWS } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { WindowQuality } from "../../schemas/runs/replay-life.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { pick, scoreRows } from "../evaluation/scoring.ts";
import type { Beat } from "../heartbeat.ts";
import { labelSpan } from "../split/label-span.ts";
import { rowRulesOf } from "../training/detection.ts";
import type { ArmRows } from "./compare-arms.ts";
import { thresholdOf } from "./replay-version.ts";
import type { SeenDataset } from "./replay-version.ts";

/** Of fewer rows of a class a ranking says next to nothing. */
const MIN_CLASS_ROWS = 10;

export interface JudgedWindow {
  readonly pipeline: Pipeline;
  readonly seen: SeenDataset;
  /** Rows of the table that were asked. */
  readonly rows: Int32Array;
  /** Row-major answers for them. */
  readonly answers: Float64Array;
  /** Where history ends: what a row's label looks ahead to beyond it is not known. */
  readonly end: number;
}

export interface FoundQuality {
  readonly quality: WindowQuality;
  /** The rows that were judged. */
  readonly judged: ArmRows;
}

/** How good the answers of a window were, by all that became known of it. */
export async function qualityOf(
  deps: Pick<ActivityDeps, "cpu">,
  given: JudgedWindow,
  beat: Beat,
): Promise<FoundQuality> {
  const { pipeline, seen, rows, answers } = given;
  const { table, problem, version } = seen;
  const places = knownPlaces(given);
  const known = Int32Array.from(places, (at) => rows[at] as number);
  const positives = problem.kind === "binary" ? countPositives(table.y, known) : undefined;
  const counted = {
    training: version.version,
    rows: known.length,
    ...(positives === undefined ? {} : { positives }),
  };
  const nOutputs = rows.length === 0 ? 1 : answers.length / rows.length;
  const prediction = takeRows(answers, places, nOutputs);
  const costs = costsOf(given, known, prediction);
  const withCost = costs === undefined ? {} : { cost: costs.reduce((sum, cost) => sum + cost, 0) };
  const judged: ArmRows = {
    truth: pick(table.y, known),
    truthRaw: pick(table.yRaw, known),
    prediction,
    assets: Float64Array.from(known, (row) => table.assetCodes[row] as number),
    cost: costs ?? new Float64Array(),
    threshold: thresholdOf(version),
    nClasses: problem.nClasses,
  };
  const reason = tooFew(known.length, positives);
  if (reason !== undefined)
    return {
      judged,
      quality: { ...counted, ...withCost, value: null, low: null, high: null, reason, metrics: {} },
    };
  const scored = await scoreRows(
    deps,
    {
      table,
      pipeline,
      problem,
      rows: known,
      prediction,
      baseline: prediction,
      threshold: thresholdOf(version),
      interval: version.signature.output.interval ?? null,
      slices: [],
      intervalsOf: [problem.primaryMetric],
    },
    beat,
  );
  const value = scored.test[problem.primaryMetric] ?? null;
  const interval = scored.intervals[problem.primaryMetric];
  const quality: WindowQuality = {
    ...counted,
    ...withCost,
    value,
    low: interval?.[0] ?? null,
    high: interval?.[1] ?? null,
    ...(value === null ? { reason: `${problem.primaryMetric} is not defined on these rows` } : {}),
    metrics: scored.test,
  };
  return { quality, judged };
}

/**
 * Places in `rows` whose outcome is known, and would be whatever it was: shortly before the end of history a failure is
 * known that came, and not that none will, so that such rows together would look worse than they were.
 */
function knownPlaces({ pipeline, seen: { table }, rows, end }: JudgedWindow): Int32Array {
  const { isJudged } = rowRulesOf(pipeline, table);
  const span = labelSpan(pipeline, timeKindOf(pipeline));
  const isKnown = (row: number) => isJudged(row) && (table.t[row] as number) + span < end;
  return Int32Array.from([...rows.keys()].filter((at) => isKnown(rows[at] as number)));
}

function countPositives(y: Float64Array, rows: Int32Array): number {
  return rows.reduce((sum, row) => sum + (y[row] === 1 ? 1 : 0), 0);
}

function tooFew(nRows: number, positives: number | undefined): string | undefined {
  if (nRows < MIN_SLICE_ROWS) return `too few labels: ${nRows} rows, of ${MIN_SLICE_ROWS}`;
  if (positives === undefined) return undefined;
  const fewer = Math.min(positives, nRows - positives);
  if (fewer >= MIN_CLASS_ROWS) return undefined;
  return `too few labels: ${positives} of ${nRows} rows before a failure, of ${MIN_CLASS_ROWS} of each class`;
}

function takeRows(answers: Float64Array, places: Int32Array, nOutputs: number): Float64Array {
  const taken = new Float64Array(places.length * nOutputs);
  places.forEach((at, i) => taken.set(answers.subarray(at * nOutputs, (at + 1) * nOutputs), i * nOutputs));
  return taken;
}

/** What the declared costs say of each row at the version's own threshold. */
function costsOf(
  { pipeline: { costs }, seen: { table, problem, version } }: JudgedWindow,
  rows: Int32Array,
  score: Float64Array,
): Float64Array | undefined {
  const threshold = thresholdOf(version);
  if (costs === undefined || threshold === null || problem.kind !== "binary") return undefined;
  return Float64Array.from(rows, (row, i) => {
    const isAlert = (score[i] as number) >= threshold;
    const isFailing = table.y[row] === 1;
    if (isAlert === isFailing) return 0;
    return isFailing ? costs.missedFailure : costs.falseAlarm;
  });
}
