import { findMetric } from "../../numerics/metrics/metric-table.ts";
import { evaluateGates } from "../../numerics/evaluation/gates.ts";
import type { EnvelopeItem } from "../../schemas/models/envelope-finding.ts";
import type { Evaluation, MetricSet } from "../../schemas/models/model-version.ts";
import type { AllowedParam, Envelope } from "../../schemas/pipeline/envelope.ts";
import { matchesPatterns } from "../../schemas/pipeline/feature-patterns.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";

/** A candidate as it was trained: with the parameters that a search found. */
export type TrainedCandidate = Pick<Candidate, "kind" | "params" | "features"> & { readonly name: string };

/** What of a version an envelope is about. */
export interface EnvelopeSubject {
  /** Names of the features it sees. */
  readonly features: readonly string[];
  /** The chosen candidate. */
  readonly chosen: string;
  /** The same with its parameters, of a blend what it is the mean of; of the approved version all that its run trained. */
  readonly trained: readonly TrainedCandidate[];
  readonly data: DataExtent;
}

/** How much data there is, and of when. */
export interface DataExtent {
  readonly rows: number;
  readonly assets: number;
  /** Milliseconds since 1970; null where time is no timestamp, or there is no row. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export interface EnvelopeQuestion {
  readonly envelope: Envelope;
  readonly version: EnvelopeSubject;
  /** What people approved the envelope with: the champion, or one before it that retrains have replaced since. */
  readonly approved: EnvelopeSubject;
  /** Hash of what the file declares beside the envelope, and of what the approved one did. */
  readonly declared: { readonly now: string; readonly approved: string };
  readonly metrics: Evaluation["metrics"];
  /** Of the champion on the same rows; undefined where it could not be scored there. */
  readonly championMetrics: MetricSet | undefined;
  readonly nowMs: number;
}

/** Names of a list for people. */
const MOST_NAMED = 8;

/**
 * Holds a retrained version against an envelope: each condition with what is allowed and what was found. It is inside when all
 * of them hold; a condition whose figure is not known does not. What changes is measured from the version that people approved, so that
 * small steps do not add up from retrain to retrain.
 *
 * Pure: the clock comes in as `nowMs`.
 */
export function compareWithEnvelope(question: EnvelopeQuestion): EnvelopeItem[] {
  return [
    declarationItem(question),
    ...featureItems(question),
    candidateItem(question),
    ...paramItems(question),
    ...dataItems(question),
    ...qualityItems(question),
  ];
}

function declarationItem({ declared }: EnvelopeQuestion): EnvelopeItem {
  const inside = declared.now === declared.approved;
  return {
    item: "pipeline file",
    allowed: "as it was approved, but for what happens after training",
    found: inside ? "the same" : "another one",
    inside,
  };
}

function featureItems({ envelope, version, approved }: EnvelopeQuestion): EnvelopeItem[] {
  const { added, dropped } = envelope.features;
  const differing = (of: readonly string[], from: readonly string[], allowed: string | undefined) => {
    const known = new Set(from);
    const isAllowed = allowed === undefined ? () => false : matchesPatterns(allowed);
    const names = of.filter((name) => !known.has(name));
    return { names, isInside: names.every(isAllowed) };
  };
  const more = differing(version.features, approved.features, added);
  const fewer = differing(approved.features, version.features, dropped);
  return [
    { item: "features added", allowed: added ?? "none", found: listed(more.names), inside: more.isInside },
    {
      item: "features dropped",
      allowed: dropped ?? "none",
      found: listed(fewer.names),
      inside: fewer.isInside,
    },
  ];
}

function candidateItem({ envelope, version, approved }: EnvelopeQuestion): EnvelopeItem {
  const allowed = envelope.candidates ?? [approved.chosen];
  const { chosen } = version;
  return { item: "candidate", allowed: allowed.join(", "), found: chosen, inside: allowed.includes(chosen) };
}

function paramItems({ envelope, version, approved }: EnvelopeQuestion): EnvelopeItem[] {
  const before = new Map(approved.trained.map((candidate) => [candidate.name, candidate]));
  return version.trained.flatMap(({ name, params, features }) => {
    const known = before.get(name);
    const earlier = known?.params ?? {};
    const allowed = envelope.params[name] ?? {};
    const keys = [...new Set([...Object.keys(params), ...Object.keys(earlier), ...Object.keys(allowed)])];
    const items = keys
      .toSorted()
      .map((key) => paramItem(`${name}.${key}`, allowed[key], params[key], earlier[key]));
    if (known === undefined || known.features === features) return items;
    return [
      ...items,
      { item: `${name}.features`, allowed: known.features ?? "all", found: features ?? "all", inside: false },
    ];
  });
}

type Param = number | string | boolean | undefined;

function paramItem(
  item: string,
  allowed: AllowedParam | undefined,
  value: Param,
  earlier: Param,
): EnvelopeItem {
  const found = value === undefined ? "the trainer's default" : String(value);
  const isSame = value === earlier;
  if (allowed === undefined) {
    const same = earlier === undefined ? "the trainer's default" : String(earlier);
    return { item, allowed: `${same}, as approved`, found, inside: isSame };
  }
  if ("values" in allowed) {
    const inside = value !== undefined && allowed.values.includes(value);
    return { item, allowed: listed(allowed.values.map(String)), found, inside: inside || isSame };
  }
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = allowed;
  const inside = typeof value === "number" && value >= low && value <= high;
  return { item, allowed: rangeText(allowed.low, allowed.high), found, inside: inside || isSame };
}

function dataItems({ envelope, version, approved, nowMs }: EnvelopeQuestion): EnvelopeItem[] {
  const { minRows, minAssets, maxAge, minSpan, maxSpan, minShare } = envelope.data;
  const { rows, assets, oldestMs, newestMs } = version.data;
  const ageMs = newestMs === null ? null : nowMs - newestMs;
  const spanMs = newestMs === null || oldestMs === null ? null : newestMs - oldestMs;
  const least = Math.ceil(approved.data.rows * minShare);
  return [
    ...(minRows === undefined ? [] : [atLeast("readings", minRows, rows)]),
    atLeast("readings beside the approved version's", least, rows),
    ...(minAssets === undefined ? [] : [atLeast("assets", minAssets, assets)]),
    ...(maxAge === undefined ? [] : [timeItem("age of the newest reading", ageMs, { most: maxAge })]),
    ...(minSpan === undefined ? [] : [timeItem("span of the readings", spanMs, { least: minSpan })]),
    ...(maxSpan === undefined ? [] : [timeItem("span of the readings", spanMs, { most: maxSpan })]),
  ];
}

function atLeast(item: string, least: number, found: number): EnvelopeItem {
  return { item, allowed: `at least ${least}`, found: String(found), inside: found >= least };
}

function timeItem(
  item: string,
  ms: number | null,
  bound: { readonly most: string } | { readonly least: string },
): EnvelopeItem {
  const isMost = "most" in bound;
  const text = isMost ? bound.most : bound.least;
  const limit = durationMs(text);
  const inside = ms !== null && (isMost ? ms <= limit : ms >= limit);
  return {
    item,
    allowed: `${isMost ? "at most" : "at least"} ${text}`,
    found: ms === null ? "not known: time is no timestamp" : `${Math.round(ms / 3_600_000)} h`,
    inside,
  };
}

function qualityItems({ envelope, metrics, championMetrics }: EnvelopeQuestion): EnvelopeItem[] {
  const { gates, maxWorse } = envelope.quality;
  const bounds = gates.map(({ metric, on, max, min }) => {
    const bound =
      max === undefined
        ? ({ metric, op: ">=", threshold: min ?? 0 } as const)
        : ({ metric, op: "<=", threshold: max } as const);
    const [row] = evaluateGates(metrics[on], [bound]).rows;
    return {
      item: `${metric} on ${on}`,
      allowed: `${bound.op} ${bound.threshold}`,
      found: numberText(row?.value ?? null),
      inside: row?.passed === true,
    };
  });
  return [
    ...bounds,
    ...Object.entries(maxWorse).map(([metric, most]) =>
      worseItem({ metric, most, now: metrics.test[metric], before: championMetrics?.[metric] }),
    ),
  ];
}

function worseItem(given: {
  readonly metric: string;
  readonly most: number;
  readonly now: number | undefined;
  readonly before: number | undefined;
}): EnvelopeItem {
  const { metric, most, now, before } = given;
  const item = `${metric} beside the champion's`;
  const allowed = `at most ${most} worse`;
  if (now === undefined || before === undefined)
    return { item, allowed, found: "not known on the same rows", inside: false };
  const loss = findMetric(metric).direction === "higher" ? before - now : now - before;
  const found = `${numberText(now)} beside ${numberText(before)}`;
  return { item, allowed, found, inside: loss <= most };
}

function rangeText(low: number | undefined, high: number | undefined): string {
  if (low === undefined) return `at most ${high}`;
  return high === undefined ? `at least ${low}` : `${low} to ${high}`;
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return names.slice(0, MOST_NAMED).join(", ") + more;
}

function numberText(value: number | null): string {
  return value === null ? "missing" : String(Number(value.toPrecision(6)));
}
