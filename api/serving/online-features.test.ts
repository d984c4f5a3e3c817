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

function versionOf(
  timeKind: FeatureView["timeKind"],
  features: readonly Feature[],
  declared: Pick<FeatureView, "times" | "checks"> = { times: { readings: { timezone: "UTC" } } },
): ServedVersion {
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
    ...declared,
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
  expect(reply).toEqual({ row: Float64Array.of(12), at: 1, t: 1, warnings: [] });
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

test("a time without an offset is one of the declared time zone", () => {
  const ask = (t: string | number, times?: FeatureView["times"]) =>
    assetFeatures.lastRow(versionOf("timestamp", VOLTAGE, times === undefined ? {} : { times }), {
      asset: "a",
      readings: [{ t, voltage: 1 }],
    }).at;
  const berlin = { readings: { timezone: "Europe/Berlin" } };
  expect(ask("2025-04-30T23:00:00", berlin)).toBe("2025-04-30T21:00:00.000Z");
  expect(ask("2025-04-30T23:00:00Z", berlin)).toBe("2025-04-30T23:00:00.000Z");
  // An hour that clocks show twice is the later one, as the database has it; one that they skip is none.
  expect(ask("2025-10-26T02:30:00", berlin)).toBe("2025-10-26T01:30:00.000Z");
  expect(() => ask("2025-03-30T02:30:00", berlin)).toThrow(/clocks of Europe\/Berlin show/);
  const german = { readings: { timezone: "Europe/Berlin", format: "%d.%m.%Y %H:%M" } };
  expect(ask("30.04.2025 23:00", german)).toBe("2025-04-30T21:00:00.000Z");
  expect(ask("2025-04-30T23:00:00+02:00", german)).toBe("2025-04-30T21:00:00.000Z");
  for (const t of ["2025-04-30T23:00:00", "31.04.2025 23:00"]) expect(() => ask(t, german)).toThrow(/%d\.%m/);
  const epoch = { readings: { timezone: "UTC", epochUnit: "s" as const } };
  expect(ask(1_746_046_800, epoch)).toBe("2025-04-30T21:00:00.000Z");
  // A version stored before the zone was kept: only a time with an offset can be told.
  expect(ask("2025-04-30T23:00:00+02:00")).toBe("2025-04-30T21:00:00.000Z");
  expect(() => ask("2025-04-30T23:00:00")).toThrow(/with its offset/);
});

test("the time of an event is read as its source declares, whatever a client calls that", () => {
  const times = { readings: { timezone: "UTC" }, repairs: { timezone: "UTC", format: "%d.%m.%Y" } };
  const since = [
    feature("s", "time_since", { events: { source: "repairs", hasAsset: true, conditions: [] } }),
  ];
  const ask = (event: Record<string, string>) =>
    assetFeatures.lastRow(versionOf("timestamp", [...since, ...VOLTAGE], { times }), {
      asset: "a",
      readings: [{ t: "2025-04-05T10:00:00", voltage: 1 }],
      events: [event],
    });
  expect(() => ask({ t: "2025-04-04T10:00:00" })).toThrow(/events\.0\.t.*%d\.%m\.%Y/);
  expect(() => ask({ t: "2025-04-04T10:00:00", source: "constructor" })).toThrow(/with its offset/);
  expect(ask({ t: "04.04.2025", source: "repairs" }).row).toHaveLength(2);
});

test("a reading that ingest would put into quarantine is left out and told", () => {
  const checks: FeatureView["checks"] = [
    { name: "voltage", type: "float", unit: "V", range: [0, 10], isRequired: true },
    { name: "mode", type: "text", values: ["on", "off"] },
  ];
  const ask = (...readings: Record<string, string | number | null>[]) =>
    assetFeatures.lastRow(versionOf("cycle", VOLTAGE, { checks }), {
      asset: "a",
      readings: readings.map((fields, i) => ({ t: i + 1, ...fields })),
    });
  const good = { voltage: 3, mode: "on" };
  expect(ask(good, { voltage: 999 }, { voltage: 4, mode: "ON" }, { voltage: null })).toEqual({
    row: Float64Array.of(3),
    at: 1,
    t: 1,
    warnings: [
      "readings.1.voltage: expected 0 to 10 V, found 999; the reading is left out",
      "readings.2.mode: expected one of on, off, found 'ON'; the reading is left out",
      "readings.3.voltage: expected a value, found none; the reading is left out",
    ],
  });
  expect(ask(...Array.from({ length: 30 }, () => ({ voltage: -1 })), good).warnings).toHaveLength(11);
  expect(() => ask({ voltage: 999 })).toThrow(
    expect.objectContaining({
      code: "invalid_signature_input",
      locations: [{ field: "readings.0.voltage", expected: "0 to 10 V", found: "999" }],
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
  const weighted = versionOf("cycle", [feature("ewm", "exponential", { column: "voltage", halfLife: 2.5 })]);
  const after = (n: number) =>
    assetFeatures.lastRow(weighted, {
      asset: "a",
      readings: Array.from({ length: n }, (_, i) => ({ t: 40 + i, voltage: 1 })),
    }).warnings;
  expect(after(7)).toEqual(["readings: features look back over 8 readings, got 7"]);
  expect(after(8)).toEqual([]);
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

test("of times, features over a life are right only from the first reading on, which is told", () => {
  const readings = Array.from({ length: 24 }, (_, hour) => ({
    t: `2025-04-05T${String(hour).padStart(2, "0")}:00Z`,
    voltage: 1,
  }));
  const ask = (...features: Feature[]) =>
    assetFeatures.lastRow(versionOf("timestamp", features), { asset: "a", readings }).warnings;
  const age = feature("age", "age", { timeKind: "timestamp" });
  const base = feature("base", "baseline", { column: "voltage", over: 30 });
  const life =
    "readings: features look back to the asset's first reading; they are right only if that is the one of 2025-04-05T00:00:00.000Z";
  expect(ask(...VOLTAGE, age)).toEqual([life]);
  expect(ask(base)).toEqual(["readings: features look back over 30 readings, got 24", life]);
  expect(ask(feature("lag", "lag", { column: "voltage", steps: 24 }))).toEqual([
    "readings: features look back over 25 readings, got 24",
  ]);
  // A day of hourly readings fills a window of a day.
  const day = { column: "voltage", stat: "mean", window: { us: 24 * 3.6e9 }, minPeriods: 1 };
  expect(ask(feature("day", "rolling", day))).toEqual([]);
});
