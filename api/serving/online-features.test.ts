import { expect, test } from "vitest";
import { sealView } from "../../features/feature-view.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import type { ServedVersion } from "./served-version.ts";
import { createAssetFeatures } from "./online-features.ts";

type Feature = FeatureView["features"][number];
const feature = (name: string, operator: Feature["operator"], args: object): Feature => ({
  name,
  physical: name,
  kind: "number",
  operator,
  args,
});

function versionOf(timeKind: FeatureView["timeKind"], features: readonly Feature[]): ServedVersion {
  const columns = ["voltage", "current", "Status", "constructor"].map((name) => ({
    name,
    physical: name,
    type: "float" as const,
  }));
  const view = sealView({
    kind: "aura.view/1",
    source: "readings",
    hasAsset: true,
    timeKind,
    columns,
    derived: [
      { name: "power", formula: "voltage * current" },
      { name: "load", formula: "power * 2" },
    ],
    features,
    label: { kind: "none" } as never,
  });
  return { view, fitted: {}, encoder: { nFeatures: features.length } } as unknown as ServedVersion;
}

const assetFeatures = createAssetFeatures();
const VOLTAGE = [feature("voltage", "current", { column: "voltage" })];

test("only columns that some feature is computed from are asked for, through expressions too", () => {
  const load = versionOf("cycle", [feature("load", "current", { column: "load" })]);
  const reply = assetFeatures.lastRow(load, {
    asset: "a",
    readings: [{ t: 1, voltage: 3, current: 2, Status: "text", stranger: "x" }],
  });
  expect(reply).toEqual({ row: Float64Array.of(12), at: 1, warnings: [] });
  expect(() => assetFeatures.lastRow(load, { asset: "a", readings: [{ t: 1, voltage: 3 }] })).toThrow(
    expect.objectContaining({ locations: [expect.objectContaining({ field: "readings.0.current" })] }),
  );
});

test("a reading with none of the needed columns is refused, a null is not", () => {
  const ask = (second: Record<string, number | null>) =>
    assetFeatures.lastRow(versionOf("cycle", VOLTAGE), {
      asset: "a",
      readings: [
        { t: 1, voltage: 3 },
        { t: 2, ...second },
      ],
    });
  expect(() => ask({ Voltage: 3 })).toThrow(
    expect.objectContaining({ locations: [expect.objectContaining({ field: "readings.1" })] }),
  );
  expect(ask({ voltage: null }).row).toEqual(Float64Array.of(NaN));
});

test("a column may be called constructor", () => {
  const version = versionOf("cycle", [feature("c", "current", { column: "constructor" })]);
  expect(assetFeatures.lastRow(version, { asset: "a", readings: [{ t: 1, constructor: 4 }] }).row).toEqual(
    Float64Array.of(4),
  );
});

test("times are ISO 8601, and the last one is told", () => {
  const version = versionOf("timestamp", VOLTAGE);
  const ask = (t: string | number) =>
    assetFeatures.lastRow(version, { asset: "a", readings: [{ t, voltage: 1 }] });
  expect(ask("2025-04-05 12:00+02:00").at).toBe("2025-04-05T10:00:00.000Z");
  for (const t of ["05.04.2025 10:00", 1_743_847_200])
    expect(() => ask(t)).toThrow(
      expect.objectContaining({
        code: "invalid_signature_input",
        message: expect.stringContaining("[readings.0.t]: expected an ISO 8601 date"),
      }),
    );
});

test("a history shorter than the features look back is told, a whole one is not", () => {
  const windows = [
    feature("mean", "rolling", { column: "voltage", stat: "mean", window: { rows: 5 }, minPeriods: 1 }),
    feature("base", "baseline", { column: "voltage", over: "life" }),
  ];
  const ask = (first: number) =>
    assetFeatures.lastRow(versionOf("cycle", windows), { asset: "a", readings: [{ t: first, voltage: 1 }] })
      .warnings;
  expect(ask(1)).toEqual([]);
  expect(ask(40)).toEqual([
    "readings: features look back over 5 readings, got 1",
    "readings: features look back to the asset's first cycle, the first reading is of cycle 40",
  ]);
  const hours = [
    feature("h", "rolling", { column: "voltage", stat: "mean", window: { us: 7.2e9 }, minPeriods: 1 }),
  ];
  const readings = [
    { t: "2025-04-05T10:00Z", voltage: 1 },
    { t: "2025-04-05T10:30Z", voltage: 1 },
  ];
  expect(assetFeatures.lastRow(versionOf("timestamp", hours), { asset: "a", readings }).warnings).toEqual([
    "readings: features look back over 2 h, got 0.5 h",
  ]);
});
