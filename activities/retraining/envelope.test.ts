import { describe, expect, it } from "vitest";
import { envelopeSchema } from "../../schemas/pipeline/envelope.ts";
import { compareWithEnvelope } from "./envelope.ts";
import type { EnvelopeQuestion, EnvelopeSubject } from "./envelope.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-21T00:00:00Z");

const approved: EnvelopeSubject = {
  features: ["temp", "temp_mean_24h", "load"],
  chosen: "gbdt",
  trained: [{ name: "gbdt", kind: "gbdt", params: { numLeaves: 15, learningRate: 0.1 } }],
  data: { rows: 1_000, assets: 10, oldestMs: NOW - 90 * DAY_MS, newestMs: NOW - 60 * DAY_MS },
};

const fresh = { ...approved.data, rows: 1_500, newestMs: NOW - DAY_MS };

/** What is outside, of a version that differs from the champion in `over`. */
function outside(
  envelope: object,
  over: Partial<EnvelopeSubject> = {},
  rest: Partial<EnvelopeQuestion> = {},
): string[] {
  return compareWithEnvelope({
    envelope: envelopeSchema.parse(envelope),
    version: { ...approved, data: fresh, ...over },
    approved,
    declared: { now: "a", approved: "a" },
    metrics: { test: { rocAuc: 0.9, logLoss: 0.3 }, cv: { rocAuc: 0.88 } },
    championMetrics: { rocAuc: 0.91, logLoss: 0.35 },
    nowMs: NOW,
    ...rest,
  })
    .filter(({ inside }) => !inside)
    .map(({ item, found }) => `${item}: ${found}`);
}

const gbdt = (params: Record<string, number | string>, features?: string) => [
  { name: "gbdt", kind: "gbdt" as const, params, ...(features === undefined ? {} : { features }) },
];

describe("compareWithEnvelope", () => {
  it("takes the same model of newer data, with nothing said", () => {
    expect(outside({})).toEqual([]);
  });

  it.each<[string, object, Partial<EnvelopeSubject>, string[]]>([
    ["a feature more", {}, { features: [...approved.features, "load_lag"] }, ["features added: load_lag"]],
    [
      "one that may be added",
      { features: { added: "load_*" } },
      { features: [...approved.features, "load_lag"] },
      [],
    ],
    [
      "one beside it that may not",
      { features: { added: "load_*" } },
      { features: [...approved.features, "load_lag", "x"] },
      ["features added: load_lag, x"],
    ],
    ["a feature less", {}, { features: ["temp", "load"] }, ["features dropped: temp_mean_24h"]],
    ["one that may be left out", { features: { dropped: "temp_*" } }, { features: ["temp", "load"] }, []],
    ["another candidate", {}, { chosen: "linear", trained: [] }, ["candidate: linear"]],
    ["one that may be chosen", { candidates: ["gbdt", "linear"] }, { chosen: "linear", trained: [] }, []],
    [
      "another parameter",
      {},
      { trained: gbdt({ numLeaves: 31, learningRate: 0.1 }) },
      ["gbdt.numLeaves: 31"],
    ],
    [
      "a parameter at the end of its range",
      { params: { gbdt: { numLeaves: { low: 7, high: 31 } } } },
      { trained: gbdt({ numLeaves: 31, learningRate: 0.1 }) },
      [],
    ],
    [
      "one beyond it",
      { params: { gbdt: { numLeaves: { high: 30 } } } },
      { trained: gbdt({ numLeaves: 31, learningRate: 0.1 }) },
      ["gbdt.numLeaves: 31"],
    ],
    [
      "a text where a range is",
      { params: { gbdt: { numLeaves: { low: 1 } } } },
      { trained: gbdt({ numLeaves: "31", learningRate: 0.1 }) },
      ["gbdt.numLeaves: 31"],
    ],
    ["one of several values", { params: { gbdt: { learningRate: { values: [0.05, 0.1] } } } }, {}, []],
    [
      "the approved parameter, out of a range that came later",
      { params: { gbdt: { numLeaves: { low: 20 } } } },
      {},
      [],
    ],
    [
      "a parameter that is left to the trainer",
      {},
      { trained: gbdt({ numLeaves: 15 }) },
      ["gbdt.learningRate: the trainer's default"],
    ],
    [
      "other features of the candidate",
      {},
      { trained: gbdt({ numLeaves: 15, learningRate: 0.1 }, "temp*") },
      ["gbdt.features: temp*"],
    ],
    [
      "half the data, and less",
      {},
      { data: { ...fresh, rows: 499 } },
      ["readings beside the approved version's: 499"],
    ],
    ["few assets", { data: { minAssets: 11 } }, {}, ["assets: 10"]],
    ["few rows", { data: { minRows: 2_000 } }, {}, ["readings: 1500"]],
    ["fresh data", { data: { maxAge: "2d", minSpan: "30d", maxSpan: "100d" } }, {}, []],
    ["data that is old", { data: { maxAge: "12h" } }, {}, ["age of the newest reading: 24 h"]],
    ["a span that is short", { data: { minSpan: "100d" } }, {}, ["span of the readings: 2136 h"]],
    ["a span that is long", { data: { maxSpan: "80d" } }, {}, ["span of the readings: 2136 h"]],
    [
      "an age where time is none",
      { data: { maxAge: "2d" } },
      { data: { ...fresh, newestMs: null, oldestMs: null } },
      ["age of the newest reading: not known: time is no timestamp"],
    ],
    [
      "quality at its bound",
      {
        quality: {
          gates: [
            { metric: "rocAuc", min: 0.9 },
            { metric: "rocAuc", on: "cv", min: 0.88 },
          ],
        },
      },
      {},
      [],
    ],
    [
      "quality below it",
      { quality: { gates: [{ metric: "logLoss", max: 0.2 }] } },
      {},
      ["logLoss on test: 0.3"],
    ],
    [
      "a metric that there is none of",
      { quality: { gates: [{ metric: "f1", min: 0.2 }] } },
      {},
      ["f1 on test: missing"],
    ],
    ["a little worse", { quality: { maxWorse: { rocAuc: 0.02, logLoss: 0 } } }, {}, []],
    [
      "too much worse",
      { quality: { maxWorse: { rocAuc: 0.005 } } },
      {},
      ["rocAuc beside the champion's: 0.9 beside 0.91"],
    ],
  ])("%s", (_name, envelope, over, expected) => {
    expect(outside(envelope, over)).toEqual(expected);
  });

  it("refuses a file that is another one than was approved", () => {
    expect(outside({}, {}, { declared: { now: "b", approved: "a" } })).toEqual([
      "pipeline file: another one",
    ]);
  });

  it("does not take what could not be compared for as good", () => {
    const envelope = { quality: { maxWorse: { rocAuc: 1 } } };
    expect(outside(envelope, {}, { championMetrics: undefined })).toEqual([
      "rocAuc beside the champion's: not known on the same rows",
    ]);
  });

  it("holds every part of a blend against its own ranges", () => {
    const forest = { name: "forest", kind: "forest" as const, params: { trees: 300 } };
    const trained = [...gbdt({ numLeaves: 15, learningRate: 0.1 }), forest];
    expect(outside({ candidates: ["blend"] }, { chosen: "blend", trained })).toEqual(["forest.trees: 300"]);
    const params = { forest: { trees: { low: 100, high: 500 } } };
    expect(outside({ candidates: ["blend"], params }, { chosen: "blend", trained })).toEqual([]);
  });
});
