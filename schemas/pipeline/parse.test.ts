import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isPlatformError } from "../platform-error.ts";
import type { PlatformError } from "../platform-error.ts";
import { jsonSchema, parsePipeline } from "./parse.ts";

const SERIES = `
name: pumps
sources:
  readings:
    files: [{ path: a.csv, part: train }, { path: b.csv, part: test }]
    asset: pump
    time: { column: t, kind: timestamp }
    columns:
      - { name: p1, unit: bar }
      - { name: p2 }
      - { name: site, type: text }
      - { name: secret, use: ignore }
  events:
    role: events
    files: e.csv
    asset: pump
    time: { column: t, kind: timestamp }
    columns: [{ name: type, type: text }]
label: { kind: events, source: events, where: { type: failure } }
task: { kind: failure_within, horizon: 72h }
`;
const TABLE = `
name: parts
sources:
  readings: { files: a.csv, columns: [{ name: x }, { name: y, type: integer }] }
label: { kind: column, column: y, positive: 1 }
task: { kind: class }
`;

/** No label, no candidates: all that an anomaly needs. */
const WATCHED = `
name: parts
sources:
  readings: { files: a.csv, columns: [{ name: x }, { name: y, type: integer }] }
task: { kind: anomaly }
`;

const CYCLES = `
name: engines
sources:
  readings: { files: a.csv, asset: u, time: { column: t, kind: cycle }, columns: [{ name: x }] }
label: { kind: end_of_life, ends: [{ at: last_reading }], cap: 125 }
task: { kind: rul }
`;
const HOURS = CYCLES.replace("kind: cycle", "kind: timestamp");

/** A forecast with as little as it needs. */
const AHEAD = `
name: pumps
sources:
  readings:
    files: a.csv
    asset: pump
    time: { column: t, kind: timestamp }
    columns: [{ name: heat }, { name: site, type: text }, { name: quiet, use: ignore }]
task: { kind: forecast, column: heat, horizons: [6h, 1h] }
`;

function failureOf(text: string): PlatformError {
  try {
    parsePipeline(text, "p.yaml");
  } catch (error) {
    if (isPlatformError(error)) return error;
    throw error;
  }
  throw new Error("expected the file to be refused");
}

describe("parsePipeline accepts", () => {
  it.each(["turbofan", "milling", "substation", "forecast"])("the example %s", (name) => {
    const text = readFileSync(`examples/${name}/pipeline.yaml`, "utf8");
    expect(parsePipeline(text, "pipeline.yaml").pipeline.name).toBe(name);
  });

  it("factors by class, whose names may be numbers", () => {
    const text = `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, classWeight: { '2': 5, jam: 0.5 } }]\n`;
    const classWeight = { 2: 5, jam: 0.5 };
    expect(parsePipeline(text, "p.yaml").pipeline.candidates).toMatchObject([{ classWeight }]);
  });

  it("a forecast that rises along other features, among them older values of its column", () => {
    const text = `${AHEAD}candidates: [{ kind: gbdt, monotone: { increasing: heat_lag_*, decreasing: load } }]\n`;
    const monotone = { increasing: "heat_lag_*", decreasing: "load" };
    expect(parsePipeline(text, "p.yaml").pipeline.candidates).toMatchObject([{ monotone }]);
  });

  it("the turbofan file of a subset with six flight conditions", () => {
    const text = readFileSync("examples/turbofan/pipeline.yaml", "utf8")
      .replaceAll("FD001.txt", "FD004.txt")
      .replace("count: 1", "count: 6");
    const { sources, regimes } = parsePipeline(text, "pipeline.yaml").pipeline;
    expect(regimes).toMatchObject({ columns: ["setting1", "setting2", "setting3"], count: 6 });
    // The settings tell conditions apart; as features they would say nothing of wear.
    const ignored = sources["readings"]?.columns.filter(({ use }) => use === "ignore");
    expect(ignored?.map(({ name }) => name)).toEqual(["setting1", "setting2", "setting3"]);
  });

  it("a small file, with defaults, and hashes its meaning and not its spelling", () => {
    const { pipeline, hash } = parsePipeline(TABLE, "p.yaml");
    expect(pipeline.split.folds).toBe(5);
    expect(parsePipeline(`# a comment\n${TABLE}split: { folds: 5 }\n`, "q.yaml").hash).toBe(hash);
    expect(parsePipeline(`${TABLE}split: { folds: 4 }\n`, "q.yaml").hash).not.toBe(hash);
  });

  it.each([
    ["cycles", CYCLES],
    ["hours", HOURS],
    ["a duration", HOURS.replace("cap: 125", "cap: 30d")],
  ])("a cap in %s", (_name, text) => {
    expect(parsePipeline(text, "p.yaml").pipeline.label.kind).toBe("end_of_life");
  });

  it("the example of docs/pipeline-file.md", () => {
    const page = readFileSync("docs/pipeline-file.md", "utf8");
    const text = /```yaml\n(name: pumps[^]*?)```/.exec(page)?.[1] ?? "";
    expect(parsePipeline(text, "pipeline.yaml").pipeline.name).toBe("pumps");
  });

  it("a forecast, which looks ahead in time and must beat the naive one", () => {
    const { pipeline } = parsePipeline(AHEAD, "p.yaml");
    expect(pipeline.split.holdout).toEqual({ by: "time", share: 0.2 });
    expect(pipeline.gates).toEqual([{ metric: "mase", on: "test", max: 1 }]);
    expect(pipeline.features.map((one) => Object.keys(one)[0])).toEqual([
      "current",
      "lag",
      "rolling",
      "cyclical",
    ]);
    expect(pipeline.task).toMatchObject({ quantiles: [0.1, 0.5, 0.9], statistic: "value" });
    const own = parsePipeline(
      `${AHEAD}split: { folds: 3, holdout: { by: asset } }\ngates: []\n`,
      "p.yaml",
    ).pipeline;
    expect(own.split).toMatchObject({ folds: 3, holdout: { by: "asset" } });
    expect(own.gates).toEqual([]);
  });

  it("a formula over names with brackets in them", () => {
    const text = `${TABLE.replace("name: x", "name: 'x [Nm]'")}features:\n  - expression: { name: d, formula: '[x [Nm]] * 2e3 - 1.5' }\n`;
    expect(parsePipeline(text, "p.yaml").pipeline.features).toHaveLength(1);
  });
});

describe("parsePipeline takes a trainer elsewhere for every task", () => {
  const files = { class: TABLE, failure: SERIES, anomaly: WATCHED, rul: CYCLES, forecast: AHEAD };

  it.each(Object.entries(files))("%s", (_task, text) => {
    const external = "candidates: [{ kind: external, taskQueue: python }]\n";
    expect(parsePipeline(`${text}${external}`, "p.yaml").pipeline.candidates).toHaveLength(1);
  });
});

describe("parsePipeline refuses", () => {
  const ahead = (task: string, more = "") =>
    `${AHEAD.replace("column: heat, horizons: [6h, 1h]", task)}${more}`;
  const cases: [name: string, text: string, line: number, field: string, expected: RegExp][] = [
    ["a horizon of zero", ahead("column: heat, horizons: 0h"), 9, "task.horizons", /above 0/],
    ["a horizon below zero", ahead("column: heat, horizons: -1h"), 9, "task.horizons", /./],
    [
      "one horizon twice",
      ahead("column: heat, horizons: [1h, 60m]"),
      9,
      "task.horizons.1",
      /each horizon once/,
    ],
    ["cycles ahead of timestamps", ahead("column: heat, horizons: 3"), 9, "task.horizons", /72h/],
    [
      "a quantile of one",
      ahead("column: heat, horizons: 1h, quantiles: [0.5, 1]"),
      9,
      "task.quantiles.1",
      /0\.999/,
    ],
    ["a quantile of zero", ahead("column: heat, horizons: 1h, quantiles: [0]"), 9, "task.quantiles.0", /./],
    ["no quantiles", ahead("column: heat, horizons: 1h, quantiles: []"), 9, "task.quantiles", /./],
    [
      "one quantile twice",
      ahead("column: heat, horizons: 1h, quantiles: [0.5, 0.5]"),
      9,
      "task.quantiles.1",
      /each level once/,
    ],
    ["a forecast of text", ahead("column: site, horizons: 1h"), 9, "task.column", /numeric column/],
    ["a forecast of a hidden column", ahead("column: quiet, horizons: 1h"), 9, "task.column", /use: feature/],
    ["a forecast of nothing", ahead("column: heet, horizons: 1h"), 9, "task.column", /heat/],
    [
      "a tolerance as long as the horizon",
      ahead("column: heat, horizons: 1h, tolerance: 1h"),
      9,
      "task.tolerance",
      /less than the nearest horizon/,
    ],
    ["an empty limit", ahead("column: heat, horizons: 1h, limit: {}"), 9, "task.limit", /above/],
    ["a forecast with a label", `${AHEAD}label: { kind: column, column: heat }\n`, 10, "label.kind", /none/],
    [
      "a gap shorter than the farthest horizon",
      `${AHEAD}split: { holdout: { by: time, gap: 2h } }\n`,
      10,
      "split.holdout.gap",
      /6h/,
    ],
    [
      "a forecast judged on last readings",
      `${AHEAD}evaluate: { rows: last_per_asset }\n`,
      10,
      "evaluate.rows",
      /nothing is known/,
    ],
    ["a choice by skill", `${AHEAD}metrics: { primary: skill }\n`, 10, "metrics.primary", /pinball or mase/],
    [
      "a blend of quantiles",
      `${AHEAD}candidates: [{ kind: blend }]\n`,
      10,
      "candidates.0.kind",
      /gbdt, forest/,
    ],
    [
      "another objective of a forecast",
      `${AHEAD}candidates: [{ kind: gbdt, params: { objective: huber } }]\n`,
      10,
      "candidates.0.params.objective",
      /quantiles set it/,
    ],
    [
      "a forecast without assets",
      ahead("column: heat, horizons: 1h").replace("    asset: pump\n", ""),
      8,
      "task.kind",
      /asset column/,
    ],
    ["a duplicate key", `${TABLE}name: again\n`, 7, "", /each key once/],
    ["an alias", `${TABLE}owner: &a me\ndescription: *a\n`, 7, "", /no anchors/],
    ["__proto__", `${TABLE}__proto__: { x: 1 }\n`, 7, "", /another key/],
    ["a tag", `${TABLE}owner: !!js/function x\n`, 7, "", /no tags|YAML/],
    ["an unknown key", `${TABLE}splitt: 3\n`, 7, "splitt", /did you mean split\?/],
    [
      "an unknown operator",
      `${TABLE}features:\n  - roling: {}\n`,
      8,
      "features.0.roling",
      /did you mean rolling\?/,
    ],
    [
      "an error inside an operator",
      `${TABLE}features:\n  - lag: { step: [1] }\n`,
      8,
      "features.0.lag.step",
      /did you mean steps\?/,
    ],
    [
      "an unknown unit",
      SERIES.replace("unit: bar", "unit: kv"),
      9,
      "sources.readings.columns.0.unit",
      /did you mean kV\?/,
    ],
    [
      "an unknown column",
      `${SERIES}features:\n  - current: { columns: [p3] }\n`,
      22,
      "features.0.current.columns.0",
      /did you mean p1\?/,
    ],
    [
      "an ignored column as a feature",
      `${SERIES}features:\n  - current: { columns: [secret] }\n`,
      22,
      "features.0.current.columns.0",
      /use: feature/,
    ],
    [
      "the label as a feature",
      `${TABLE}features:\n  - current: { columns: [y] }\n`,
      8,
      "features.0.current.columns.0",
      /not the label/,
    ],
    [
      "a misspelt key before the key that is missing for it",
      SERIES.replace("horizon: 72h", "horzion: 72h"),
      20,
      "task.horzion",
      /did you mean horizon\?/,
    ],
    ["a bare number as horizon", SERIES.replace("72h", "72"), 20, "task.horizon", /a duration/],
    [
      "windows without time",
      `${TABLE}features:\n  - lag: { steps: [1] }\n`,
      8,
      "features.0.lag",
      /a time column/,
    ],
    [
      "a split by asset without one",
      `${TABLE}split: { holdout: { by: asset } }\n`,
      7,
      "split.holdout.by",
      /an asset column/,
    ],
    [
      "a split by row beside assets",
      `${SERIES}split: { holdout: { by: row } }\n`,
      21,
      "split.holdout.by",
      /both sides/,
    ],
    [
      "folds in time before a holdout by asset",
      `${SERIES}split: { by: time, holdout: { by: asset } }\n`,
      21,
      "split.by",
      /holdout: \{ by: time \}/,
    ],
    [
      "several repeats of folds in time",
      `${SERIES}split: { by: time, repeats: 2, holdout: { by: time } }\n`,
      21,
      "split.repeats",
      /follow each other/,
    ],
    [
      "folds in time of lives without a cap",
      `${CYCLES.replace(", cap: 125", "")}split: { by: time, holdout: { by: time } }\n`,
      5,
      "label.cap",
      /a cap/,
    ],
    [
      "a part that does not exist",
      `${SERIES}split: { holdout: { by: parts, parts: [tst] } }\n`,
      21,
      "split.holdout.parts.0",
      /did you mean test\?/,
    ],
    [
      "all parts held out",
      `${SERIES}split: { holdout: { by: parts, parts: [test, train] } }\n`,
      21,
      "split.holdout.parts",
      /left to train on/,
    ],
    [
      "a metric of another task",
      `${TABLE}gates:\n  - { metric: rmse, max: 1 }\n`,
      8,
      "gates.0.metric",
      /a metric of binary tasks/,
    ],
    [
      "a label that the task cannot use",
      TABLE.replace("kind: class", "kind: rul"),
      5,
      "label.kind",
      /end_of_life or events/,
    ],
    [
      "lives that have not ended for a task without lives",
      SERIES.replace("type: failure } }", "type: failure }, censored: use }"),
      19,
      "label.censored",
      /the task rul/,
    ],
    [
      "a fleet of which nobody knows when anything failed",
      SERIES.replace(/label:.*/, "label: { kind: end_of_life, ends: [{ at: not_failed }] }"),
      19,
      "label.ends",
      /a part of which it is known when its assets failed/,
    ],
    [
      "constraints on what has no trees to hold to them",
      `${SERIES}candidates: [{ kind: linear, monotone: { increasing: p1 } }]\n`,
      21,
      "candidates.0.monotone",
      /constraints only for gbdt/,
    ],
    [
      "an unknown events source",
      SERIES.replace("source: events", "source: event"),
      19,
      "label.source",
      /did you mean events\?/,
    ],
    [
      "a gap before the holdout that the label looks across",
      `${SERIES}split: { holdout: { by: time, gap: 1d } }\n`,
      21,
      "split.holdout.gap",
      /at least the horizon 72h/,
    ],
    [
      "a slice by a column that nobody has",
      `${SERIES}evaluate: { slices: [sitee] }\n`,
      21,
      "evaluate.slices.0",
      /an attribute, or regime/,
    ],
    [
      "a slice by regime without regimes",
      `${TABLE}evaluate: { slices: [regime] }\n`,
      7,
      "evaluate.slices.0",
      /where regimes are declared/,
    ],
    [
      "a cap of days where time is a cycle",
      CYCLES.replace("cap: 125", "cap: 30d"),
      5,
      "label.cap",
      /a whole number of cycles/,
    ],
    ["a cap of no time", HOURS.replace("cap: 125", "cap: 0d"), 5, "label.cap", /a duration above 0/],
    [
      "a cap that is no duration",
      HOURS.replace("cap: 125", "cap: 30 days"),
      5,
      "label.cap",
      /30m, 72h or 7d/,
    ],
    [
      "several classes that all rise",
      `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, monotone: { increasing: x } }]\n`,
      7,
      "candidates.0.monotone",
      /an answer that can rise or fall/,
    ],
    ...["heat", "load h?at", "h*", "*"].map((patterns): [string, string, number, string, RegExp] => [
      `a forecast that rises along its own column, by '${patterns}'`,
      `${AHEAD}candidates: [{ kind: gbdt, monotone: { increasing: quiet_*, decreasing: '${patterns}' } }]\n`,
      10,
      "candidates.0.monotone.decreasing",
      /features other than heat, .* its change is learnt/,
    ]),
    [
      "a search for a skill that no trial has",
      `${AHEAD}metrics: { primary: skill }\ncandidates: [{ kind: gbdt, search: { numLeaves: { kind: integer, low: 4, high: 8 } } }]\n`,
      10,
      "metrics.primary",
      /pinball, which orders answers as skill does/,
    ],
    [
      "a search for an interval",
      `${CYCLES}search: { objectives: [intervalWidth] }\ncandidates: [{ kind: gbdt, search: { numLeaves: { kind: integer, low: 4, high: 8 } } }]\n`,
      7,
      "search.objectives.0",
      /a metric of answers/,
    ],
    [
      "a weight of the positive class where there is none",
      `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, classWeight: 5 }]\n`,
      7,
      "candidates.0.classWeight",
      /balanced or factors by class/,
    ],
    [
      "factors by class where there are two",
      `${TABLE}candidates: [{ kind: gbdt, classWeight: { a: 1, b: 5 } }]\n`,
      7,
      "candidates.0.classWeight",
      /a number, the weight of the positive class/,
    ],
    ...(
      [
        ["0", /more than 0/],
        ["-1", /more than 0/],
        [".nan", /a number/],
        [".inf", /a number/],
        ["2e6", /at most 1000000/],
        ["high", /a number/],
      ] as const
    ).map(([factor, expected]): [string, string, number, string, RegExp] => [
      `a class factor of ${factor}`,
      `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, classWeight: { '2': 1, jam: ${factor} } }]\n`,
      7,
      "candidates.0.classWeight.jam",
      expected,
    ]),
    [
      "a class whose name is a number, without quotes",
      `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, classWeight: { 2: 5 } }]\n`,
      7,
      "",
      /a key that is text, which needs quotes: '2'/,
    ],
    [
      "factors of no class",
      `${TABLE.replace(", positive: 1", "")}candidates: [{ kind: gbdt, classWeight: {} }]\n`,
      7,
      "candidates.0.classWeight",
      /a factor for at least one class/,
    ],
    [
      "a calibration of lives",
      `${CYCLES}calibration: isotonic\n`,
      7,
      "calibration",
      /auto or none: the task is regression/,
    ],
    [
      "two candidates of one name",
      `${TABLE}candidates: [{ kind: gbdt }, { kind: gbdt }]\n`,
      7,
      "candidates.1",
      /a name of its own/,
    ],
    [
      "a blend of one that is not there",
      `${TABLE}candidates: [{ kind: gbdt }, { kind: blend, of: [gbdt, forrest] }]\n`,
      7,
      "candidates.1.of.1",
      /a candidate that is no blend/,
    ],
    [
      "a blend of one",
      `${TABLE}candidates: [{ kind: gbdt }, { kind: blend }]\n`,
      7,
      "candidates.1",
      /two other candidates/,
    ],
    [
      "members of what is no blend",
      `${TABLE}candidates: [{ kind: gbdt, of: [a, b] }]\n`,
      7,
      "candidates.0.of",
      /only for a blend/,
    ],
    [
      "a candidate that nothing can choose",
      `${TABLE}candidates: [{ kind: gbdt, alone: false }, { kind: forest }]\n`,
      7,
      "candidates.0.alone",
      /a blend that it is a member of/,
    ],
    [
      "a detector for a class",
      `${TABLE}candidates: [{ kind: pca_monitor }]\n`,
      7,
      "candidates.0.kind",
      /for the task class/,
    ],
    [
      "a trainer with a target for anomalies",
      `${WATCHED}candidates: [{ kind: gbdt }]\n`,
      6,
      "candidates.0.kind",
      /pca_monitor, isolation_forest or external/,
    ],
    [
      "a class without a label",
      TABLE.replace(/label:.*\n/, ""),
      2,
      "label.kind",
      /column for the task class/,
    ],
    [
      "healthy rows by a label that is not there",
      WATCHED.replace("kind: anomaly", "kind: anomaly, healthy: labelled"),
      5,
      "task.healthy",
      /a label that says/,
    ],
    [
      "alerts a month of cycles",
      CYCLES.replace(/label:.*\n/, "").replace("kind: rul", "kind: anomaly, alerts: { perAssetMonth: 2 }"),
      5,
      "task.alerts.perAssetMonth",
      /timestamps/,
    ],
    [
      "two budgets",
      WATCHED.replace("kind: anomaly", "kind: anomaly, alerts: { share: 0.1, perAssetMonth: 2 }"),
      5,
      "task.alerts",
      /exactly one/,
    ],
  ];
  it.each(cases)("%s", (_name, text, line, field, expected) => {
    const error = failureOf(text);
    expect(error.code).toBe("invalid_pipeline");
    expect(error.locations).toContainEqual(
      expect.objectContaining({
        file: "p.yaml",
        line,
        expected: expect.stringMatching(expected) as string,
        ...(field === "" ? {} : { field }),
      }),
    );
  });

  it("nothing of a calibration of two classes or of more", () => {
    for (const text of [TABLE, TABLE.replace(", positive: 1", "")])
      for (const method of ["auto", "none", "temperature", "platt", "isotonic"])
        expect(parsePipeline(`${text}calibration: ${method}\n`, "p.yaml").pipeline.calibration).toBe(method);
  });

  it("nothing of an anomaly without a label, which has its own default candidate", () => {
    const { pipeline } = parsePipeline(WATCHED, "p.yaml");
    expect(pipeline.label).toEqual({ kind: "none" });
    expect(pipeline.candidates).toEqual([{ kind: "pca_monitor", params: {}, seeds: 1 }]);
  });

  it("all problems at once, in line order", () => {
    const { locations } = failureOf(`${TABLE.replace("class", "clas")}splitt: 1\ngates: [{ metric: f1 }]\n`);
    expect(locations.map((l) => l.line)).toEqual([6, 7, 8]);
  });

  it("more than 1 MB, a deep nest and a billion laughs, quickly", () => {
    const laughs = `a: &a [x,x]\n${Array.from({ length: 20 }, (_, i) => `b${i}: &b${i} [*a,*a]`).join("\n")}`;
    const started = performance.now();
    for (const text of ["x".repeat(1_000_001), "[".repeat(500_000), "- ".repeat(200_000), laughs]) {
      expect(failureOf(text).code).toBe("invalid_pipeline");
    }
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("jsonSchema", () => {
  it("names every top-level key", () => {
    expect(Object.keys(jsonSchema().properties ?? {})).toContain("retraining");
  });
});
