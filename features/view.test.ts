import { describe, expect, it } from "vitest";
import { isPlatformError } from "../schemas/platform-error.ts";
import { featureSpecs, parseView } from "./feature-view.ts";
import { manifestOf, pipelineOf } from "./support/test-dataset.ts";
import type { TestSource } from "./support/test-dataset.ts";
import { compileView } from "./view.ts";

const readings: TestSource = {
  timeKind: "timestamp",
  columns: [
    { name: "temperature", type: "float" },
    { name: "pressure", type: "float" },
    { name: "mode", type: "text" },
    { name: "seen_at", type: "timestamp" },
  ],
  rows: [],
};
const repairs: TestSource = {
  role: "events",
  timeKind: "timestamp",
  columns: [{ name: "kind", type: "text" }],
  rows: [],
};
const plates: TestSource = {
  role: "attributes",
  timeKind: "none",
  columns: [{ name: "made", type: "timestamp" }],
  rows: [],
};
const sources = { readings, repairs, plates };

const compile = (rest: object, given: Record<string, TestSource> = sources) =>
  compileView(pipelineOf(given, rest), manifestOf(given));

describe("a view", () => {
  it("expands '*' to the numeric columns and names features plainly", () => {
    const view = compile({ features: [{ rolling: { stats: ["mean", "slope"], windows: [5, "2h"] } }] });
    expect(featureSpecs(view).slice(0, 4)).toEqual([
      { name: "temperature_mean_5", physical: "f0", kind: "number" },
      { name: "temperature_slope_5", physical: "f1", kind: "number" },
      { name: "temperature_mean_2h", physical: "f2", kind: "number" },
      { name: "temperature_slope_2h", physical: "f3", kind: "number" },
    ]);
  });

  it("is plain JSON that carries its own hash", () => {
    const view = compile({ features: [{ current: {} }, { age: { resetBy: { source: "repairs" } } }] });
    const text = JSON.stringify(view);
    expect(parseView(text)).toEqual(view);
    expect(() => parseView(text.replace("temperature", "temperatura"))).toThrow(/does not match its hash/);
    expect(compile({ features: [{ current: {} }] }).hash).not.toBe(view.hash);
  });

  it("leaves sensors as they are where there is one regime", () => {
    const features = [{ current: {} }];
    const one = compile({ features, regimes: { columns: ["pressure"], count: 1 } });
    expect(one).toEqual(compile({ features }));
    const two = compile({ features, regimes: { columns: ["pressure"], count: 2 } });
    expect(two.regimes).toEqual({ columns: ["pressure"], count: 2, normalize: ["temperature"] });
  });

  it("keeps how times are written and what values are allowed", () => {
    const pipeline = pipelineOf(sources, { features: [{ current: {} }] });
    const { readings: declared } = pipeline.sources;
    if (declared?.time === undefined) throw new Error("expected a time");
    declared.time.timezone = "Europe/Berlin";
    declared.columns[0] = { ...declared.columns[0]!, range: [0, 10], unit: "°C", nullable: false };
    const view = compileView(pipeline, manifestOf(sources));
    expect(view.times?.["readings"]).toEqual({ timezone: "Europe/Berlin" });
    expect(view.checks).toEqual([
      { name: "temperature", type: "float", unit: "°C", range: [0, 10], isRequired: true },
    ]);
  });

  it("lets later operators use an expression, and features use features", () => {
    const view = compile({
      features: [
        { expression: { name: "load", formula: "temperature * pressure", feature: false } },
        { rolling: { columns: ["load"], stats: ["mean"], windows: [3, 9] } },
        { expression: { name: "trend", formula: "load_mean_3 - load_mean_9" } },
      ],
    });
    expect(view.features.map((f) => f.name)).toEqual(["load_mean_3", "load_mean_9", "trend"]);
    expect(view.derived).toEqual([{ name: "load", formula: "temperature * pressure" }]);
  });

  it.each<[string, object, string, string]>([
    [
      "unknown column",
      { features: [{ lag: { columns: ["temprature"], steps: [1] } }] },
      "features.0.lag.columns.0",
      "temperature (similar)",
    ],
    [
      "text as a number",
      { features: [{ current: { columns: ["mode"] } }] },
      "features.0.current.columns.0",
      "a numeric column",
    ],
    [
      "unknown source",
      { features: [{ time_since: { source: "repair" } }] },
      "features.0.time_since.source",
      "repairs (similar)",
    ],
    [
      "wrong role",
      { features: [{ time_since: { source: "plates" } }] },
      "features.0.time_since.source",
      "a source with role events",
    ],
    [
      "unknown condition column",
      { features: [{ event_count: { source: "repairs", where: { kid: "x" }, windows: ["1d"] } }] },
      "features.0.event_count.where.kid",
      "kind (similar)",
    ],
    [
      "count of cycles in timestamps",
      { features: [{ event_count: { source: "repairs", windows: [5] } }] },
      "features.0.event_count.windows.0",
      "a duration such as 72h",
    ],
    [
      "timestamp attribute",
      { features: [{ attribute: { source: "plates", columns: ["made"] } }] },
      "features.0.attribute.columns.0",
      "a numeric or text column",
    ],
    [
      "the same feature twice",
      { features: [{ current: {} }, { current: {} }] },
      "features.1.current.name",
      "each feature once",
    ],
    [
      "bad formula",
      { features: [{ expression: { name: "e", formula: "temperature +" } }] },
      "features.0.expression.formula",
      "a name, a number",
    ],
    [
      "unknown name in a formula",
      { features: [{ expression: { name: "e", formula: "presure" } }] },
      "features.0.expression.formula",
      "pressure (similar)",
    ],
    ["class task with a life label", { task: { kind: "class" } }, "label.kind", "column"],
    [
      "horizon in cycles",
      { task: { kind: "failure_within", horizon: 10 } },
      "task.horizon",
      "a duration such as 72h",
    ],
    ["unknown label source", { label: { kind: "events", source: "failures" } }, "label.source", "one of"],
    [
      "unknown regime column",
      { regimes: { columns: ["alt"], count: 2 } },
      "regimes.columns.0",
      "temperature",
    ],
  ])("refuses %s, naming the field", (_, rest, field, expected) => {
    expect(locationsOf(() => compile(rest))[0]).toMatchObject({
      field,
      expected: expect.stringContaining(expected),
    });
  });

  it("keeps the label column out of the features, whatever its use says", () => {
    const label = { kind: "column", column: "pressure" };
    const view = compile({ label, features: [{ current: {} }] });
    expect(view.features.map((f) => f.name)).toEqual(["temperature"]);
    expect(view.columns.map((c) => c.name)).not.toContain("pressure");
    const named = { label, features: [{ lag: { columns: ["pressure"], steps: [1] } }] };
    expect(locationsOf(() => compile(named))[0]?.found).toBe("pressure with `use: label`");
  });

  it("refuses durations where time is a cycle, and series where there are none", () => {
    const cycles = { readings: { ...readings, timeKind: "cycle" as const } };
    const window = { features: [{ rolling: { stats: ["mean"], windows: ["2h"] } }] };
    expect(locationsOf(() => compile(window, cycles))[0]?.field).toBe("features.0.rolling.windows.0");
    const table = { readings: { ...readings, hasAsset: false, timeKind: "none" as const } };
    const lag = { features: [{ lag: { steps: [1] } }] };
    expect(locationsOf(() => compile(lag, table)).map((l) => l.field)).toContain("features.0.lag.columns");
  });

  it("reports every problem at once", () => {
    const rest = { features: [{ current: { columns: ["nope"] } }, { time_since: { source: "nope" } }] };
    expect(locationsOf(() => compile(rest))).toHaveLength(2);
  });
});

function locationsOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (isPlatformError(error) && error.code === "invalid_pipeline") return error.locations;
    throw error;
  }
  throw new Error("expected invalid_pipeline");
}
