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
import { replayDepth } from "./replay-depth.ts";

type Asked = FeatureHistoryRequest["rows"][number];

/**
 * Features of assets as they were at given times: of the readings up to then, those that came late included. Each is
 * computed from stored readings as a rebuild of the live state is, and so equals what was served, but for late readings.
 *
 * @throws {PlatformError} invalid_body: a time that is none; database_unavailable
 */
export async function featureHistory(
  store: Pick<OnlineStore, "replay">,
  model: LiveModel,
  asked: readonly Asked[],
): Promise<FeatureHistory> {
  const times = asked.map((row, i) => timeOf(model, row, i));
  const rows: FeatureHistoryRow[] = [];
  for (const [i, row] of asked.entries())
    rows.push(await rowAt(store, model, { ...row, until: times[i] as number }));
  const { version, digest, binding } = model;
  return { model: model.model, version, digest, source: binding.source, rows };
}

async function rowAt(
  store: Pick<OnlineStore, "replay">,
  model: LiveModel,
  { asset, time, until }: Asked & { readonly until: number },
): Promise<FeatureHistoryRow> {
  let series = new AssetSeries(model, asset);
  const { sourceKey } = model.binding;
  const { isWhole, committedAt } = await store.replay(
    { sourceKey, asset, ...replayDepth(model), until },
    (readings, start) => {
      if (start !== undefined) series = new AssetSeries(model, asset);
      for (const reading of readings) series.push(reading);
    },
  );
  series.isWhole = isWhole;
  series.committedAt = committedAt;
  const isTimestamp = model.view.timeKind === "timestamp";
  const { at, epoch, ageSeconds, status, features } = featuresOf(
    series,
    isTimestamp ? until / 1_000 : committedAt,
  );
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
