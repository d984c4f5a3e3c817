import { describe, expect, it } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import { AssetSeries } from "./asset-series.ts";
import { bindSource } from "./binding.ts";
import { featuresOf, rowOf } from "./feature-reply.ts";

const NOW = Date.UTC(2026, 0, 1);
const TTL_MS = 60_000;

/** A series whose readings are so many seconds old, with values of x; null = missing, out of range = left out. */
function seriesOf(
  timeKind: "timestamp" | "cycle",
  readings: readonly (readonly [ageSeconds: number, x: number | null])[],
  committedAgeSeconds = 0,
): AssetSeries {
  const columns = [{ name: "x", type: "float" as const, range: [0, 100] as [number, number] }];
  const sources = { readings: { timeKind, columns, rows: [] } };
  const features = [{ current: {} }, { rolling: { stats: ["mean"], windows: [2] } }];
  const view = compileView(pipelineOf(sources, { features }), manifestOf(sources));
  const document = liveSourceSchema.parse({
    name: "pumps",
    owner: "test",
    time: { kind: timeKind },
    columns,
  });
  const series = new AssetSeries(
    {
      model: "wear",
      version: 3,
      digest: "d".repeat(64),
      view,
      fitted: {},
      binding: bindSource(view, { sourceKey: 1, document }),
      online: { ...onlineSettings(undefined), ttlMs: TTL_MS },
      contextOf: () => ({}),
    },
    "p1",
  );
  readings.forEach(([age, x], i) => {
    const ts = timeKind === "timestamp" ? (NOW - age * 1_000) * 1_000 : i + 1;
    series.push({ epoch: 0, ts, seq: 0, values: [x] });
  });
  series.committedAt = NOW - committedAgeSeconds * 1_000;
  return series;
}

describe("how features stand", () => {
  it.each([
    [
      "there",
      "timestamp",
      [
        [70, 1],
        [10, 3],
      ],
      0,
      "present",
      ["present", "present"],
      10,
    ],
    ["at the end of its time to live", "timestamp", [[60, 1]], 0, "present", ["present", "present"], 60],
    ["older", "timestamp", [[61, 1]], 0, "stale", ["stale", "stale"], 61],
    [
      "computed and missing",
      "timestamp",
      [
        [9, 4],
        [5, null],
      ],
      0,
      "present",
      ["null", "present"],
      5,
    ],
    ["stale and missing", "timestamp", [[900, null]], 0, "stale", ["stale", "stale"], 900],
    ["ahead of the clock", "timestamp", [[-30, 1]], 0, "present", ["present", "present"], 0],
    ["of an asset without a reading", "timestamp", [], 0, "not_found", ["not_found", "not_found"], null],
    ["of readings that are all left out", "timestamp", [[5, 900]], 0, "unfit", ["unfit", "unfit"], null],
    [
      "as old as the last good reading",
      "timestamp",
      [
        [61, 1],
        [5, 900],
      ],
      0,
      "stale",
      ["stale", "stale"],
      61,
    ],
    ["of a cycle that came a while ago", "cycle", [[0, 1]], 59, "present", ["present", "present"], 59],
    ["of a cycle that came too long ago", "cycle", [[0, 1]], 61, "stale", ["stale", "stale"], 61],
  ] as const)("%s", (_, timeKind, readings, committedAge, status, each, age) => {
    const series = seriesOf(timeKind, readings, committedAge);
    const whole = featuresOf(series, NOW);
    expect(whole).toMatchObject({ status, ageSeconds: age, ttlSeconds: 60 });
    expect(whole.features.map((feature) => feature.status)).toEqual(each);
    expect(new Set(whole.features.map(({ ageSeconds }) => ageSeconds))).toEqual(new Set([age]));
    // A prediction is told of the same, but for what is only missing.
    const { unfit, row } = rowOf(series, NOW);
    const bad = each.flatMap((one, index) => (one === "present" || one === "null" ? [] : [[index, one]]));
    expect(unfit.map((one) => [one.index, one.status])).toEqual(bad);
    expect(row).toEqual(whole.features.map(({ value }) => value));
  });
});
