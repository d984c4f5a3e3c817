import { spanMs } from "../schemas/live/source.ts";
import type { LiveSource } from "../schemas/live/source.ts";
import type { AbsenceCondition, AlertRule, ThresholdCondition } from "../schemas/alerts/alert-rule.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { AlarmCondition, Verdict } from "./alarm-state.ts";
import { isOfPattern } from "./text-pattern.ts";

/** A rule as the evaluator works with it. */
export interface CompiledRule {
  readonly rule: AlertRule;
  /** ms since 1970 of its last change: before that nobody listened for it. */
  readonly changedAt: number;
  /** Whether times of its source are times, and not cycles. */
  readonly isTimestamp: boolean;
  readonly condition: AlarmCondition;
  /** Of absence alone. */
  readonly silence: SilenceCondition | undefined;
  /** Place of its column in the source; undefined for what looks at no single column. */
  readonly place: number | undefined;
  /** Columns that a scan looks at. */
  readonly columns: readonly { readonly name: string; readonly place: number }[];
  readonly unit: string;
  /** Columns whose values are nobody's business: alerts name them and do not show them. */
  readonly masked: ReadonlySet<string>;
}

/** How long nothing comes before an asset is silent, as a text and in ms. */
export interface SilenceCondition {
  readonly after: string;
  readonly afterMs: number;
  /** Whether a last will is silence at once. */
  readonly hearsWills: boolean;
}

const NUMBERS: readonly string[] = ["float", "integer", "boolean"];

/**
 * @param source the declaration of its source, if it names one that is there
 * @throws {PlatformError} not_found: no such source; invalid_alert_rule: no such column, or one of words; no time of silence
 */
export function compileRule(rule: AlertRule, source: LiveSource | undefined, changedAt = 0): CompiledRule {
  const { when } = rule;
  if (rule.source !== undefined && source === undefined)
    throw new PlatformError(
      "not_found",
      `alert rule ${rule.name} [source ${rule.source}]: there is no such source`,
    );
  const placeOf = (name: string): number => {
    const place = (source?.columns ?? []).findIndex((column) => column.name === name);
    const type = source?.columns[place]?.type;
    if (type !== undefined && NUMBERS.includes(type)) return place;
    const found = type === undefined ? "no such column" : `a column of ${type}`;
    throw new PlatformError(
      "invalid_alert_rule",
      `alert rule ${rule.name} [column ${name}]: expected a number, found ${found}`,
    );
  };
  const place = when.kind === "threshold" && when.column !== undefined ? placeOf(when.column) : undefined;
  const unit = place === undefined ? undefined : source?.columns[place]?.unit;
  return {
    rule,
    changedAt,
    isTimestamp: source?.time.kind !== "cycle",
    condition: when.kind === "threshold" ? conditionOf(when) : { forMs: 0, gapMs: Infinity, hits: 1, of: 1 },
    silence: when.kind === "absence" ? silenceOf(rule.name, when, source) : undefined,
    place,
    columns:
      when.kind === "zscore" && source !== undefined ? scannedColumns(source, when.columns, placeOf) : [],
    unit: unit === undefined ? "" : ` ${unit}`,
    masked: new Set(source?.pii),
  };
}

function conditionOf({ for: span, gap, repeat }: ThresholdCondition): AlarmCondition {
  const forMs = span === undefined ? 0 : spanMs(span);
  // Without a duration nothing is said of the time between readings.
  const gapMs = gap === undefined ? (span === undefined ? Infinity : forMs) : spanMs(gap);
  return { forMs, gapMs, hits: repeat?.hits ?? 1, of: repeat?.of ?? 1 };
}

function silenceOf(
  name: string,
  { after: own, lastWill }: AbsenceCondition,
  source: LiveSource | undefined,
): SilenceCondition {
  const after = own ?? source?.silentAfter;
  if (after === undefined)
    throw new PlatformError(
      "invalid_alert_rule",
      `alert rule ${name} [when.after]: expected a time such as 10m, as source ${source?.name ?? ""} declares no silentAfter`,
    );
  return { after, afterMs: spanMs(after), hearsWills: lastWill !== "ignore" };
}

function scannedColumns(
  source: LiveSource,
  named: readonly string[] | undefined,
  placeOf: (name: string) => number,
): CompiledRule["columns"] {
  if (named !== undefined) return named.map((name) => ({ name, place: placeOf(name) }));
  return source.columns.flatMap(({ name, type }, place) =>
    type === "float" || type === "integer" ? [{ name, place }] : [],
  );
}

/** Whether the rule looks at an asset. */
export function takesAsset(
  { assets, assetClass }: AlertRule,
  asset: string,
  ofClass: string | null,
): boolean {
  if (assetClass !== undefined && ofClass !== assetClass) return false;
  return assets === undefined || assets.some((pattern) => isOfPattern(asset, pattern));
}

/** How a value stands to the limits of a threshold. */
export function verdictOf({ above, below, clear }: ThresholdCondition, value: number): Verdict {
  if (above !== undefined) {
    if (value > above) return "breach";
    return value <= (clear ?? above) ? "clear" : "between";
  }
  const limit = below as number;
  if (value < limit) return "breach";
  return value >= (clear ?? limit) ? "clear" : "between";
}
