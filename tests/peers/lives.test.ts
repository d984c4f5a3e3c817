/**
 * Boosting on a fleet of which most machines have not failed, beside XGBoost's accelerated-failure-time loss and LightGBM
 * without those machines, by the true lives of other machines (versions and seed in lives/fixtures.json, made by
 * lives/generate.py).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { concordanceIndex } from "../../numerics/metrics/concordance.ts";
import { rootMeanSquaredError } from "../../numerics/metrics/regression.ts";
import { predict } from "../../numerics/model.ts";

const rowSchema = z.array(z.number()).length(9);
const fixtures = z
  .object({
    settings: z.object({
      numIterations: z.number(),
      earlyStoppingRounds: z.number(),
      learningRate: z.number(),
      numLeaves: z.number(),
    }),
    train: z.array(rowSchema),
    stop: z.array(rowSchema),
    test: z.array(rowSchema),
    cases: z.array(
      z.object({
        name: z.string(),
        cap: z.number().nullable(),
        chosen: z.array(z.number()),
        rmse: z.object({ chosen: z.number(), default: z.number(), dropped: z.number() }),
        concordance: z.object({ observed: z.number(), chosen: z.number(), dropped: z.number() }),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("./lives/fixtures.json", import.meta.url), "utf8")));

type Row = readonly number[];
const lifeOf = (row: Row): number => row[6] ?? Number.NaN;
const seenOf = (row: Row): number => row[7] ?? Number.NaN;
const hasFailed = (row: Row): boolean => row[8] === 1;
const matrixOf = (rows: readonly Row[]) => ({
  data: Float64Array.from(rows.flatMap((row) => row.slice(1, 6))),
  nRows: rows.length,
  nColumns: 5,
});

/** Learns from the rows that train, stops by those of other machines, and answers for those of yet others. */
function answersFor(limit: number): Float64Array {
  const { train, stop, test, settings } = fixtures;
  const rows = [...train, ...stop];
  const isBound = (row: Row) => !hasFailed(row) && seenOf(row) < limit;
  const { model } = trainGbdt({
    matrix: matrixOf(rows),
    target: {
      taskKind: "regression",
      values: Float64Array.from(rows, (row) => Math.min(limit, hasFailed(row) ? lifeOf(row) : seenOf(row))),
    },
    censored: Uint8Array.from(rows, (row) => (isBound(row) ? 1 : 0)),
    trainRows: Int32Array.from(train.keys()),
    validationRows: Int32Array.from(stop, (_, i) => train.length + i),
    parameters: settings,
    seed: 1,
  });
  const cap = { min: 0, max: Math.min(limit, Number.MAX_VALUE) };
  return predict(model, matrixOf(test), cap).values;
}

describe.each(fixtures.cases)("lives, $name", ({ cap, chosen, rmse, concordance }) => {
  const limit = cap ?? Number.POSITIVE_INFINITY;
  const truth = Float64Array.from(fixtures.test, (row) => Math.min(limit, lifeOf(row)));

  /**
   * Ours is normal on the life, XGBoost's on its logarithm: with a cap ours is nearer (0.93 ×), without one the logarithm
   * suits these skewed lives a little better (1.04 ×), at a worse order of them.
   */
  it("are as near to the truth as XGBoost's, in a better order, and much nearer than learnt from failures alone", () => {
    const predictions = answersFor(limit);
    const error = rootMeanSquaredError(truth, predictions);
    const order = concordanceIndex({ lives: truth, isBound: new Uint8Array(truth.length), predictions });
    expect(error).toBeLessThan((cap === null ? 1.1 : 1) * rmse.chosen);
    expect(error).toBeLessThan(0.8 * rmse.dropped);
    expect(order).toBeGreaterThan(concordance.chosen);
  });

  it("are ordered as the index says, pair by pair", () => {
    const { test } = fixtures;
    const observed = concordanceIndex({
      lives: test.map((row) => (hasFailed(row) ? lifeOf(row) : seenOf(row))),
      isBound: test.map((row) => (hasFailed(row) ? 0 : 1)),
      predictions: chosen,
    });
    expect(observed).toBeCloseTo(concordance.observed, 9);
  });
});
