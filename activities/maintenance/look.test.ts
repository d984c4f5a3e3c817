import { describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { SeenAnswers, SeenFleetScore, SeenScore } from "../../stores/postgres/port/maintenance.ts";
import { fleetAnswer, liveAnswer } from "./answers.ts";
import type { MaintainedPipeline } from "./answers.ts";
import { lookAt } from "./look.ts";

function maintained(task: string, label: string, maintenance: string): MaintainedPipeline {
  const { pipeline } = parsePipeline(
    `
name: pumps
sources:
  readings:
    files: r.csv
    asset: pump
    time: { column: t, kind: timestamp }
    columns: [{ name: heat }, { name: fault, type: text, values: [none, leak, jam] }]
  failures: { role: events, files: f.csv, asset: pump, time: { column: t, kind: timestamp }, columns: [{ name: kind, type: text }] }
label: ${label}
task: ${task}
maintenance: ${maintenance}
`,
    "pipeline.yaml",
  );
  if (pipeline.maintenance === undefined) throw new Error("it has none");
  return { ...pipeline, maintenance: pipeline.maintenance };
}

const EVENTS = "{ kind: events, source: failures }";
const within = (maintenance = "{}") =>
  maintained("{ kind: failure_within, horizon: 72h }", EVENTS, maintenance);
const rul = maintained("{ kind: rul }", EVENTS, "{ when: { remaining: 3d } }");
const classes = (more = "") =>
  maintained(
    "{ kind: class }",
    "{ kind: column, column: fault }",
    `{ when: { classes: [leak, jam]${more} } }`,
  );

const score = (prediction: object, over: Partial<SeenScore> = {}): SeenScore => ({
  model: "pumps",
  asset: "p1",
  version: 2,
  digest: "a".repeat(64),
  prediction: { predictionId: "x", ...prediction },
  epoch: 0,
  ts: 1_000,
  seq: 0,
  scoredAt: "2026-01-01T00:00:00.000Z",
  ...over,
});
const line = (over: Partial<SeenFleetScore>): SeenFleetScore => ({
  scoreId: "s",
  model: "pumps",
  asset: "p1",
  version: 2,
  digest: "a".repeat(64),
  value: 0,
  kind: "risk",
  threshold: 0.5,
  unit: null,
  classLabels: null,
  at: "2026-01-01T00:00:00.000Z",
  scoredAt: "2026-01-01T00:00:00.000Z",
  ...over,
});

describe("which answers call for maintenance", () => {
  it.each([
    ["the version's decision", within(), { probability: 0.4, decision: true }, true],
    ["no decision", within(), { probability: 0.9, decision: false }, false],
    [
      "a declared probability",
      within("{ when: { probability: 0.8 } }"),
      { probability: 0.8, decision: false },
      true,
    ],
    ["less than it", within("{ when: { probability: 0.8 } }"), { probability: 0.79, decision: true }, false],
    ["a short life, in hours", rul, { value: 72 }, true],
    ["a longer one", rul, { value: 72.1 }, false],
    ["a named class", classes(), { class: "jam", probabilities: { none: 0.3, leak: 0.3, jam: 0.4 } }, true],
    ["another class", classes(), { class: "none", probabilities: { none: 0.4, leak: 0.3, jam: 0.3 } }, false],
    [
      "named classes together",
      classes(", probability: 0.6"),
      { class: "none", probabilities: { none: 0.4, leak: 0.3, jam: 0.3 } },
      true,
    ],
  ] as const)("live: %s", (_, pipeline, prediction, holds) => {
    expect(liveAnswer(score(prediction), pipeline)?.holds).toBe(holds);
  });

  it.each([
    ["a risk at the threshold", within(), { value: 0.5 }, true],
    ["a risk below", within(), { value: 0.49 }, false],
    ["a declared probability", within("{ when: { probability: 0.8 } }"), { value: 0.79 }, false],
    ["a short life", rul, { kind: "rul", value: 10, unit: "h" }, true],
    ["a named class", classes(), { kind: "class", value: 1, classLabels: ["none", "leak"] }, true],
    // The ranking has no probabilities to hold it against.
    [
      "a named class and a probability",
      classes(", probability: 0.6"),
      { kind: "class", value: 1, classLabels: ["none", "leak"] },
      false,
    ],
    ["an unusual reading without a threshold", within(), { kind: "score", value: 9, threshold: null }, false],
  ] as const)("of a fleet: %s", (_, pipeline, over, holds) => {
    expect(fleetAnswer(line(over as Partial<SeenFleetScore>), pipeline)?.holds).toBe(holds);
  });

  it("says within what time, where the task does", () => {
    expect(liveAnswer(score({ probability: 0.7, decision: true }), within())?.horizon).toBe("72h");
    expect(fleetAnswer(line({ value: 0.7 }), within())?.horizon).toBe("72h");
    expect(liveAnswer(score({ value: 3 }), rul)).not.toHaveProperty("horizon");
  });

  it("says nothing of forecasts, and of what has no time", () => {
    expect(fleetAnswer(line({ kind: "forecast" }), within())).toBeUndefined();
    expect(fleetAnswer(line({ at: "never" }), within())).toBeUndefined();
  });
});

describe("a look at new answers", () => {
  const pipelines = new Map([["pumps", within("{ when: { repeat: { hits: 1, of: 1 } } }")]]);
  const seen = (over: Partial<SeenAnswers>): SeenAnswers => ({
    scores: [],
    fleet: [],
    states: [],
    open: new Set(),
    endedAt: new Map(),
    failed: new Set(),
    ...over,
  });

  it("opens one of an asset, however often its answers say so, and updates it after that", () => {
    const scores = [1, 2, 3].map((ts) =>
      score({ predictionId: `x${ts}`, probability: 0.9, decision: true }, { ts }),
    );
    const outcome = lookAt(seen({ scores }), pipelines, 0);
    expect(outcome.opened).toMatchObject([{ asset: "p1", evidence: [{ predictionId: "x1" }] }]);
    expect(outcome.updated).toMatchObject([{ predictionId: "x3" }]);
    expect(lookAt(seen({ scores, open: new Set(["pumps p1"]) }), pipelines, 0).opened).toEqual([]);
  });

  it("remembers nothing of assets that are well, and forgets those that became so", () => {
    const well = score({ probability: 0.1, decision: false });
    expect(lookAt(seen({ scores: [well] }), pipelines, 0).states).toEqual([]);
    const state = { answers: [], nClear: 0, isArmed: false, place: null };
    const before = [{ model: "pumps", asset: "p1", state }];
    expect(lookAt(seen({ scores: [well], states: before }), pipelines, 0).states).toEqual([
      { model: "pumps", asset: "p1", state: null },
    ]);
  });

  it("leaves models without a policy alone", () => {
    const other = score({ probability: 0.9, decision: true }, { model: "fans" });
    expect(lookAt(seen({ scores: [other] }), pipelines, 0)).toEqual({
      states: [],
      opened: [],
      updated: [],
      recovered: [],
    });
  });
});
