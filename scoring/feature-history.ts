import { parseIsoMicros } from "../schemas/text/iso-time.ts";
import type {
  FeatureHistory,
  FeatureHistoryRequest,
  FeatureHistoryRow,
} from "../schemas/live/online-features.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { OnlineStore } from "../stores/postgres/port/online.ts";
import { AssetSeries } from "./asset-series.ts";
import { featuresOf } from "./feature-reply.ts";
import type { LiveModel } from "./live-model.ts";
import { replayDepth, replayFarEnough } from "./replay-depth.ts";

type Asked = FeatureHistoryRequest["rows"][number];
type Store = Pick<OnlineStore, "replay">;

/** A row of the request, its place among them, and its time in the unit of `ts`. */
interface Moment extends Asked {
  readonly place: number;
  readonly until: number;
}

interface Pass {
  readonly group: readonly Moment[];
  /** By place. */
  readonly rows: FeatureHistoryRow[];
  readonly signal: AbortSignal | undefined;
}

/**
 * Features of assets as they were at given times: of the readings up to then, those that came late included. Each is
 * computed from stored readings as a rebuild of the live state is, and so equals what was served, but for late readings.
 *
 * Where features look back over whole lives, an asset's readings are read once for all of its times.
 *
 * @param signal  of somebody who does not wait for it any more
 * @throws {PlatformError} invalid_body: a time that is none; database_unavailable
 */
export async function featureHistory(
  store: Store,
  model: LiveModel,
  { rows: asked, signal }: { readonly rows: readonly Asked[]; readonly signal?: AbortSignal },
): Promise<FeatureHistory> {
  const moments = asked.map((row, place) => ({ ...row, place, until: timeOf(model, row, place) }));
  const rows: FeatureHistoryRow[] = [];
  for (const group of groupsOf(model, moments)) await passThrough(store, model, { group, rows, signal });
  const { version, digest, binding } = model;
  return { model: model.model, version, digest, source: binding.source, rows };
}

/** Moments that one pass through readings serves, oldest first. */
function groupsOf(model: LiveModel, moments: readonly Moment[]): readonly (readonly Moment[])[] {
  if (!replayDepth(model).isWhole) return moments.map((moment) => [moment]);
  const byAsset = new Map<string, Moment[]>();
  for (const moment of moments.toSorted((a, b) => a.until - b.until)) {
    const group = byAsset.get(moment.asset);
    if (group === undefined) byAsset.set(moment.asset, [moment]);
    else group.push(moment);
  }
  return [...byAsset.values()];
}

/** Writes the rows of one asset's moments. Those before its present life began are of an earlier one, and another pass. */
async function passThrough(store: Store, model: LiveModel, { group, rows, signal }: Pass): Promise<void> {
  const last = group.at(-1);
  if (last === undefined) return;
  const { asset, until } = last;
  let series = new AssetSeries(model, asset);
  let next = 0;
  const { isWhole } = await replayFarEnough(replayDepth(model), async ({ nGood, ...back }) => {
    const replayed = await store.replay(
      { sourceKey: model.binding.sourceKey, asset, ...back, until },
      (readings, start) => {
        signal?.throwIfAborted();
        if (start !== undefined) {
          series = new AssetSeries(model, asset);
          next = 0;
        }
        for (const reading of readings) {
          for (
            let moment = group[next];
            moment !== undefined && moment.until < reading.ts;
            moment = group[++next]
          )
            if (series.last !== undefined) rows[moment.place] = rowAt(series, moment);
          series.push(reading);
        }
      },
    );
    return { ...replayed, isEnough: series.hasEnough(nGood, replayed.isWhole) };
  });
  series.isWhole = isWhole;
  for (const moment of group.slice(next)) rows[moment.place] = rowAt(series, moment);
  const earlier = group.filter(({ place }) => rows[place] === undefined);
  await passThrough(store, model, { group: earlier, rows, signal });
}

/** As the series stands. Of cycles nobody knows when they were: their age is that of the reading itself. */
function rowAt(series: AssetSeries, { asset, time, until }: Moment): FeatureHistoryRow {
  const isTimestamp = series.model.view.timeKind === "timestamp";
  series.committedAt = 0;
  const { at, epoch, ageSeconds, status, features } = featuresOf(series, isTimestamp ? until / 1_000 : 0);
  const values = Object.fromEntries(features.map(({ name, value }) => [name, value]));
  return { asset, time, at, epoch, ageSeconds, status, values };
}

function timeOf({ view }: LiveModel, { time }: Asked, index: number): number {
  const isTimestamp = view.timeKind === "timestamp";
  const t = isTimestamp
    ? typeof time === "string"
      ? parseIsoMicros(time, () => undefined)
      : undefined
    : time;
  if (typeof t === "number") return t;
  const expected = isTimestamp ? "ISO 8601 with an offset" : "a cycle number";
  throw new PlatformError("invalid_body", `read features [rows.${index}.time]: expected ${expected}`, {
    locations: [{ field: `rows.${index}.time`, expected }],
  });
}
