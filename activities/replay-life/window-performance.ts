import { parseView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { eventConditionSql } from "../../features/event-filter.ts";
import { evaluationSchema } from "../../schemas/models/model-version.ts";
import type { PerformancePeriod, PerformanceState } from "../../schemas/models/performance-report.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import { spanInTimeUnits } from "../../schemas/pipeline/time.ts";
import type { WindowPerformance } from "../../schemas/runs/replay-life.ts";
import { getDocument, readDataset } from "../../stores/objects/documents.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { pick } from "../evaluation/scoring.ts";
import { localParts } from "../features/sensor-columns.ts";
import type { Beat } from "../heartbeat.ts";
import { notEstimated } from "../performance/estimated.ts";
import { metricJudgedBy, whyNotJudged } from "../performance/judged-version.ts";
import { questionOf } from "../performance/realized.ts";
import { isEnough, judge } from "../performance/verdict.ts";
import { labelReach } from "../split/label-span.ts";
import { rowsWhere } from "../split/row-folds.ts";
import { rowRulesOf } from "../training/detection.ts";
import type { WindowWatch } from "./messages.ts";
import { answersOf, fileOf } from "./replay-version.ts";
import type { SeenDataset } from "./replay-version.ts";
import { momentText } from "./replay-time.ts";

export interface WatchedModel {
  readonly pipeline: Pipeline;
  readonly seen: SeenDataset;
  readonly dataset: ObjectRef;
  readonly watch: WindowWatch;
  /** End of the window: now. */
  readonly now: number;
  /** Of the windows before this one under the same model, newest first. */
  readonly earlier: readonly PerformanceState[];
}

/** What the labels that were known when a window ended say of the model in service. */
export async function labelsSay(
  deps: ActivityDeps,
  given: WatchedModel,
  beat: Beat,
): Promise<{ readonly performance?: WindowPerformance; readonly newLabels?: number }> {
  const { watch, seen } = given;
  const view = parseView(
    new TextDecoder().decode(await deps.objects.get(fileOf(seen.version.manifest, "view"))),
  );
  const { evaluation } = watch;
  const newLabels = watch.countsLabels ? await countNewLabels(deps, given, view) : undefined;
  return {
    ...(evaluation === null
      ? {}
      : { performance: await checkQuality(deps, { ...given, evaluation, view }, beat) }),
    ...(newLabels === undefined ? {} : { newLabels }),
  };
}

type QualityGiven = WatchedModel & { readonly evaluation: ObjectRef; readonly view: FeatureView };

/** The check of `aura performance`, on what the model was asked and what was known of it by then. */
async function checkQuality(deps: ActivityDeps, given: QualityGiven, beat: Beat): Promise<WindowPerformance> {
  const { pipeline, seen, view, earlier } = given;
  const { problem, version } = seen;
  const { performance: rules } = pipeline;
  const unavailable =
    timeKindOf(pipeline) === "timestamp"
      ? whyNotJudged({ problem, view, pipeline })
      : "performance.window is a span of time, and time is no timestamp";
  const { state, confirmation, reason } = judge({
    rules,
    metric: metricJudgedBy({ pipeline, problem }),
    evaluation: await getDocument(deps.objects, given.evaluation, evaluationSchema),
    digest: version.digest,
    unavailable,
    periods: unavailable === undefined ? await periodsThen(deps, given, beat) : [],
    estimate: notEstimated("a replay waits for labels"),
    earlier,
  });
  return { state, confirmed: confirmation.stage === "confirmed", reason: reason.slice(0, 500) };
}

/** Windows back from now, the newest first, up to the one that is judged. */
async function periodsThen(
  deps: ActivityDeps,
  given: QualityGiven,
  beat: Beat,
): Promise<PerformancePeriod[]> {
  const { pipeline, seen, watch, now } = given;
  const { performance: rules } = pipeline;
  const length = spanInTimeUnits(rules.window, "timestamp");
  const metric = metricJudgedBy({ pipeline, problem: seen.problem });
  const isKnown = knownBy(given, now - watch.labelDelay);
  const periods: PerformancePeriod[] = [];
  for (let i = 0; i < rules.lookback; i++) {
    beat.signal.throwIfAborted();
    const span = { since: Math.max(watch.servedSince, now - (i + 1) * length), until: now - i * length };
    if (span.until <= watch.servedSince) break;
    const period = await realizedThen(deps, { ...given, ...span, isKnown }, beat);
    periods.push(period);
    if (isEnough(period, rules, metric)) break;
  }
  return periods;
}

/**
 * Whether the outcome of a row would have been known at a time whatever it was. Of a failure that came soon more was known
 * earlier; with it, and without those that nothing happened to, answers would look better than they were.
 */
function knownBy({ pipeline, seen: { table } }: WatchedModel, until: number): (row: number) => boolean {
  const { isJudged } = rowRulesOf(pipeline, table);
  const reach = labelReach(pipeline, timeKindOf(pipeline), table);
  return (row) => isJudged(row) && (table.t[row] as number) + (reach[row] as number) <= until;
}

async function realizedThen(
  deps: ActivityDeps,
  given: QualityGiven & {
    readonly since: number;
    readonly until: number;
    readonly isKnown: (row: number) => boolean;
  },
  beat: Beat,
): Promise<PerformancePeriod> {
  const { seen, pipeline, since, until, isKnown } = given;
  const { table, problem, version } = seen;
  const asked = rowsWhere(
    table.t.length,
    (row) => (table.t[row] as number) >= since && (table.t[row] as number) < until,
  );
  const rows = asked.filter(isKnown);
  const groups = Int32Array.from(rows, (row) => table.assetCodes[row] as number);
  const none = new Float64Array();
  const { evidence, metrics, intervals } = await deps.cpu.run(
    "measurePerformance",
    {
      ...questionOf({ problem, signature: version.signature }),
      primaryMetric: metricJudgedBy({ pipeline, problem }),
      truth: pick(table.y, rows),
      truthRaw: pick(table.yRaw, rows),
      prediction: await answersOf(deps, seen, rows),
      groups,
      censored: { least: none, prediction: none, groups: new Int32Array() },
      seed: pipeline.split.seed,
    },
    beat,
  );
  return {
    version: version.version,
    digest: version.digest,
    since: momentText(since, "timestamp"),
    until: momentText(until, "timestamp"),
    predictions: asked.length,
    looked: asked.length,
    learntRows: 0,
    labelled: rows.length,
    censored: 0,
    assets: new Set(groups).size,
    evidence,
    metrics,
    intervals: Object.fromEntries(Object.entries(intervals).map(([key, [low, high]]) => [key, [low, high]])),
    estimated: {},
  };
}

/** Failures that became known since the last training; undefined: the label is none of events. */
async function countNewLabels(
  deps: ActivityDeps,
  { dataset, watch, now }: WatchedModel,
  { label }: FeatureView,
): Promise<number | undefined> {
  if (label.kind !== "events") return undefined;
  const { failures } = label;
  const source = (await readDataset(deps.objects, dataset)).sources[failures.source];
  if (source === undefined || source.parts.length === 0) return 0;
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const known = (at: number) => BigInt(Math.floor(at - watch.labelDelay));
  const [row] = await deps.duckdb.query(
    `SELECT count(*) AS n FROM (SELECT DISTINCT __asset, __t FROM ${from} WHERE ${eventConditionSql(failures)}` +
      ` AND __t > ${known(watch.trainedAt)} AND __t <= ${known(now)})`,
  );
  return Number(row?.["n"]);
}
