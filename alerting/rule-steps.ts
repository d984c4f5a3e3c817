import type { FollowedReading } from "../stores/postgres/port/online.ts";
import type { Farewell, KnownAsset, RecentScore } from "../stores/postgres/port/alerting.ts";
import type { ThresholdCondition } from "../schemas/alerts/alert-rule.ts";
import { grouped } from "./grouped.ts";
import type { AlarmBook } from "./alarm-book.ts";
import { isForgotten, observe, observeSilence, QUIET } from "./alarm-state.ts";
import type { Verdict } from "./alarm-state.ts";
import { verdictOf } from "./compiled-rule.ts";
import type { CompiledRule } from "./compiled-rule.ts";
import type { Deviation } from "./z-score.ts";

/** Smallest step of an alarm's time: readings of one time are told apart by it. */
const TICK_MS = 0.001;

/** A value of an asset, in the order of its stream. */
interface Observed {
  readonly asset: string;
  readonly value: number;
  readonly isMasked?: boolean;
  readonly at: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly what: string;
}

/** A reading as threshold rules of its source see it. Whoever calls has seen that it is newer than the last. */
export function takeReading(book: AlarmBook, rule: CompiledRule, reading: FollowedReading): void {
  const { place, isTimestamp } = rule;
  const { when, source } = rule.rule;
  const value = place === undefined ? undefined : reading.values[place];
  // A missing value says nothing.
  if (when.kind !== "threshold" || value === undefined || value === null || Number.isNaN(value)) return;
  const { asset, ts, epoch } = reading;
  const isMasked = rule.masked.has(when.column ?? "");
  takeValue(book, rule, {
    asset,
    value,
    isMasked,
    at: isTimestamp ? ts / 1_000 : reading.committedAt,
    what: `${when.column ?? ""}${isMasked ? "" : ` of ${shown(value)}${rule.unit}`}`,
    details: {
      source,
      column: when.column,
      ...(isTimestamp ? { time: new Date(ts / 1_000).toISOString() } : { epoch, cycle: ts }),
    },
  });
}

/** A score as threshold rules of its model see it. */
export function takeScore(book: AlarmBook, rule: CompiledRule, score: RecentScore): void {
  if (rule.rule.when.kind !== "threshold" || !Number.isFinite(score.headline)) return;
  const { asset, model, version, predictionId, headline } = score;
  takeValue(book, rule, {
    asset,
    value: headline,
    at: score.receivedAt,
    what: `prediction of ${model}@${version} of ${shown(headline)}`,
    details: { model, version, predictionId },
  });
}

function takeValue(
  book: AlarmBook,
  rule: CompiledRule,
  { asset, value, at, what, details, isMasked }: Observed,
): void {
  const when = rule.rule.when as ThresholdCondition;
  const state = book.stateOf(rule.rule.name, asset);
  const verdict = verdictOf(when, value);
  const step = observe(state, rule.condition, { at: Math.max(at, state.at + TICK_MS), verdict });
  const limit = (when.above ?? when.below) as number;
  const side = when.above === undefined ? "below" : "above";
  book.apply(rule, asset, {
    step,
    occasion: () => ({
      message: `${asset}: ${what} is ${verdict === "breach" ? "" : "no longer "}${side} ${shown(limit)}${rule.unit}${held(rule, verdict)}`,
      details: {
        ...details,
        ...(isMasked === true ? {} : { value }),
        limit,
        side,
        since: new Date(step.state.since || at).toISOString(),
      },
    }),
  });
}

function held({ rule: { when }, condition }: CompiledRule, verdict: Verdict): string {
  if (when.kind !== "threshold" || verdict !== "breach") return "";
  const times = condition.of > 1 ? `, ${condition.hits} of the last ${condition.of} readings` : "";
  return when.for === undefined ? times : `${times}, for ${when.for}`;
}

/** Pending states that no reading confirmed are over. To be asked only where everything that is stored was looked at. */
export function forgetPending(book: AlarmBook, rule: CompiledRule, now: number): void {
  const { when, source, name } = rule.rule;
  if (when.kind !== "threshold") return;
  const stream = when.prediction === undefined ? `source/${source ?? ""}` : `model/${when.prediction.model}`;
  for (const [asset, state] of book.statesOf(name)) {
    const heardAt = book.placeOf(stream, asset)?.heardAt ?? state.at;
    if (!isForgotten(state, rule.condition, { now, heardAt })) continue;
    const step = { state: { ...QUIET, at: state.at }, change: "withdrawn" } as const;
    book.apply(rule, asset, {
      step,
      occasion: () => ({ message: `${asset}: no reading confirmed it`, details: {} }),
    });
  }
}

export interface SilenceLook {
  /** Assets that the rule looks at. */
  readonly assets: readonly KnownAsset[];
  readonly now: number;
  readonly listeningSince: number;
  /** By asset, of the rule's source. */
  readonly farewells: ReadonlyMap<string, Farewell>;
}

/** Who is silent. To be asked only where everything that is stored was looked at. */
export function lookForSilence(book: AlarmBook, rule: CompiledRule, look: SilenceLook): void {
  const { silence, rule: declared } = rule;
  if (silence === undefined) return;
  const { name, source = "" } = declared;
  for (const { asset } of look.assets) {
    const heardAt = book.placeOf(`source/${source}`, asset)?.heardAt ?? null;
    const farewell = silence.hearsWills ? look.farewells.get(asset) : undefined;
    const step = observeSilence(book.stateOf(name, asset), silence.afterMs, {
      at: look.now,
      heardAt,
      // What was heard before the rule was there is not known of every asset.
      listeningSince: Math.max(look.listeningSince, rule.changedAt),
      goneSince: farewell?.since ?? null,
    });
    const isGone = farewell !== undefined && step.state.since === farewell.since;
    const silent = isGone
      ? `gone from ${source}, ${farewell.reason}`
      : `no reading in ${source} for ${silence.after}`;
    book.apply(rule, asset, {
      step,
      occasion: () => ({
        message: `${asset}: ${step.change === "cleared" ? "heard of again" : silent}`,
        details: {
          source,
          after: silence.after,
          lastHeard: heardAt === null ? null : new Date(heardAt).toISOString(),
          ...(isGone ? { lastWill: farewell.reason } : {}),
        },
      }),
    });
  }
}

/** What a scan found. Several series of an asset are one occasion: the furthest one decides, the others are named. */
export function takeScan(
  book: AlarmBook,
  rule: CompiledRule,
  { found, at }: { readonly found: readonly Deviation[]; readonly at: number },
): void {
  const { when, name } = rule.rule;
  if (when.kind !== "zscore") return;
  book.scanned(name, at);
  const byAsset = grouped(found, ({ asset }) => asset);
  for (const [asset, series] of byAsset) {
    const newestAt = Math.max(...series.map((one) => one.at));
    // Without a new value there is nothing to look at: a gap neither fires nor clears.
    const place = {
      stream: `scan/${name}`,
      asset,
      epoch: 0,
      ts: Math.round(newestAt * 1_000),
      seq: 0,
      version: 0,
      heardAt: at,
    };
    if (!book.move(place)) continue;
    const scores = series
      .map(({ series: column, z, n, value }) => ({
        column,
        z,
        ...(rule.masked.has(column) ? {} : { value }),
        n,
      }))
      .sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
    const [furthest] = scores;
    if (furthest === undefined) continue;
    const state = book.stateOf(name, asset);
    const verdict = Math.abs(furthest.z) > when.above ? "breach" : "clear";
    const step = observe(state, rule.condition, { at: Math.max(at, state.at + TICK_MS), verdict });
    const beyond = scores.filter(({ z }) => Math.abs(z) > when.above);
    book.apply(rule, asset, {
      step,
      occasion: () => ({
        message: `${asset}: ${furthest.column} is ${shown(Math.abs(furthest.z))} standard deviations from its mean over ${when.window}`,
        details: { ...furthest, limit: when.above, beyond },
      }),
    });
  }
}

const shown = (value: number): string => String(Number(value.toPrecision(6)));
