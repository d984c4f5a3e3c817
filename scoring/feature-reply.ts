import { formatIsoMicros } from "../schemas/text/iso-time.ts";
import type {
  FeatureStatus,
  OnlineFeature,
  OnlineFeatures,
  OnlineRow,
} from "../schemas/live/online-features.ts";
import { columnsOfFeatures } from "../features/feature-columns.ts";
import type { FeatureView } from "../features/feature-view.ts";
import { isShort } from "../features/needed-history.ts";
import { inputsOf } from "../features/view-inputs.ts";
import type { AssetSeries } from "./asset-series.ts";
import type { WindowFaults } from "./window-checks.ts";

/** How one feature stands, where it is not simply there. */
interface Standing {
  readonly status: FeatureStatus;
  readonly reason?: string;
}

type Head = Omit<OnlineFeatures, "features">;

const STALE = "stale";
const NO_FAULTS: WindowFaults = { columns: new Map() };

const columnsKnown = new WeakMap<FeatureView, readonly ReadonlySet<string>[]>();

function featureColumns(view: FeatureView): readonly ReadonlySet<string>[] {
  let columns = columnsKnown.get(view);
  if (columns === undefined) columnsKnown.set(view, (columns = columnsOfFeatures(view)));
  return columns;
}

/** Every feature of an asset with its status and age. */
export function featuresOf(series: AssetSeries, nowMs: number): OnlineFeatures {
  const { view, fitted } = series.model;
  const { head, standing } = judge(series, nowMs);
  const features = view.features.map(({ name, kind, unit }, i): OnlineFeature => {
    const number = series.row[i] ?? NaN;
    const { status, reason } = standing(i);
    const words = kind === "category" ? fitted.categories?.[name] : undefined;
    return {
      name,
      value: Number.isNaN(number) ? null : (words?.[number] ?? number),
      ...(unit === undefined ? {} : { unit }),
      status,
      ageSeconds: head.ageSeconds,
      ...(reason === undefined ? {} : { reason }),
    };
  });
  return { ...head, features };
}

/** The same for a prediction: numbers in the order of the view. */
export function rowOf(series: AssetSeries, nowMs: number): OnlineRow {
  const { head, standing } = judge(series, nowMs);
  const row = Array.from(series.row, (value) => (Number.isNaN(value) ? null : value));
  const unfit = row.flatMap((_, index) => {
    const { status, reason = status } = standing(index);
    return status === "present" || status === "null" ? [] : [{ index, status, reason }];
  });
  return { ...head, row, policy: series.model.online.policy, unfit };
}

function judge(
  series: AssetSeries,
  nowMs: number,
): { readonly head: Head; readonly standing: (index: number) => Standing } {
  const { model, asset, last } = series;
  const { ttlMs } = model.online;
  const isTimestamp = model.view.timeKind === "timestamp";
  const isThere = series.nUsed > 0;
  const ageMs = isThere ? Math.max(0, nowMs - (isTimestamp ? series.at / 1_000 : series.committedAt)) : NaN;
  const whole: Standing | undefined = !isThere
    ? last === undefined
      ? { status: "not_found", reason: "the asset has no reading" }
      : { status: "unfit", reason: `no reading is good: ${series.fault?.field} is not as declared` }
    : ageMs > ttlMs
      ? { status: STALE, reason: `the newest reading is older than ${ttlMs / 1_000} s` }
      : undefined;
  const faults = whole === undefined ? series.faults() : NO_FAULTS;
  const bad: Standing | undefined =
    whole ?? (faults.whole === undefined ? undefined : { status: "unfit", reason: faults.whole });
  const reasonOf = (index: number): string | undefined => {
    if (faults.columns.size === 0) return undefined;
    for (const column of featureColumns(model.view)[index] ?? []) {
      const reason = faults.columns.get(column);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
  const standing = (index: number): Standing => {
    if (bad !== undefined) return bad;
    const reason = reasonOf(index);
    if (reason !== undefined) return { status: "unfit", reason };
    return { status: Number.isNaN(series.row[index] ?? NaN) ? "null" : "present" };
  };
  const isUnfit = faults.columns.size > 0 && model.view.features.some((_, i) => reasonOf(i) !== undefined);
  return {
    standing,
    head: {
      asset,
      model: model.model,
      version: model.version,
      digest: model.digest,
      source: model.binding.source,
      status: bad?.status ?? (isUnfit ? "unfit" : "present"),
      at: isThere ? (isTimestamp ? formatIsoMicros(series.at) : series.at) : null,
      epoch: last?.epoch ?? null,
      ageSeconds: isThere ? ageMs / 1_000 : null,
      ttlSeconds: ttlMs / 1_000,
      warnings: isThere ? [...shortWarnings(series), ...columnWarnings(series)] : [],
    },
  };
}

/** Windows that are not full yet are those of a series that begins with the asset's first reading, as they are offline. */
function shortWarnings({ model, nUsed, firstAt, at }: AssetSeries): string[] {
  const { needed } = inputsOf(model.view);
  if (!isShort({ readings: nUsed, first: firstAt, last: at }, needed)) return [];
  return [`features: they look back over more than the ${nUsed} readings that there are`];
}

function columnWarnings(series: AssetSeries): string[] {
  const columns = series.neverSent();
  return columns.length === 0 ? [] : [`readings: no reading had a value of ${columns.join(", ")}`];
}
