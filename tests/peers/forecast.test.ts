/**
 * Our quantiles and metrics beside LightGBM and scikit-learn (versions and seed in forecast/fixtures.json, made by
 * forecast/generate.py). Metrics: 1e-12, both sides are sums of a few hundred doubles in another order. Models: the same
 * rows, features and settings, but other bins and leaf sums, so that trees differ where gains are close; on holdout rows the
 * quantile loss may be 3 % above LightGBM's, about what another of its own seeds moves it on so few rows.
 */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { fitCandidate } from "../../activities/training/fit-candidate.ts";
import { forecastMetrics } from "../../numerics/metrics/forecast.ts";
import { selectRows } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";

const numbers = z.array(z.number());
const fixturesSchema = z.object({
  split: z.number(),
  lags: numbers,
  quantiles: numbers,
  rounds: z.number(),
  values: z.array(numbers),
  answers: z.array(
    z.object({
      horizon: z.number(),
      quantiles: numbers,
      expected: z.object({ pinball: z.number(), mae: z.number(), intervalCoverage: z.number() }),
    }),
  ),
});
const { split, lags, quantiles, rounds, values, answers } = fixturesSchema.parse(
  JSON.parse(readFileSync(new URL("forecast/fixtures.json", import.meta.url), "utf8")),
);
const nTimes = values[0]?.length ?? 0;
const nRows = values.length * nTimes;
const horizons = answers.map(({ horizon }) => horizon);
const timeOf = (row: number): number => row % nTimes;
const valueAt = (row: number, time: number): number => values[Math.floor(row / nTimes)]?.[time] ?? Number.NaN;
const rowsWhere = (keep: (row: number) => boolean): Int32Array =>
  Int32Array.from({ length: nRows }, (_, row) => row).filter(keep);

const names = ["now", ...lags.map((lag) => `lag_${lag}`), "sine", "cosine"];
const matrix = {
  data: Float64Array.from(
    Array.from({ length: nRows }, (_, row) => {
      const hour = (2 * Math.PI * timeOf(row)) / 24;
      const past = lags.map((lag) => valueAt(row, timeOf(row) - lag));
      return [valueAt(row, timeOf(row)), ...past, Math.sin(hour), Math.cos(hour)];
    }).flat(),
  ),
  nRows,
  nColumns: names.length,
};
const later = (row: number, horizon: number) => valueAt(row, timeOf(row) + horizon);

it.each(answers)(
  "metrics at $horizon ahead are those of scikit-learn",
  ({ horizon, quantiles: theirs, expected }) => {
    const test = rowsWhere((row) => timeOf(row) >= split && timeOf(row) < nTimes - horizon);
    const truth = Float64Array.from(test, (row) => later(row, horizon));
    const found = forecastMetrics({ truth, prediction: theirs }, { quantiles });
    for (const [key, value] of Object.entries(expected))
      expect(Math.abs((found[key] ?? Number.NaN) - value)).toBeLessThan(1e-12);
  },
);

it("quantiles are as good as LightGBM's", () => {
  const train = rowsWhere((row) => timeOf(row) < split);
  // What comes after the split is not known in training.
  const targets = Float64Array.from({ length: nRows * horizons.length }, (_, cell) => {
    const row = Math.floor(cell / horizons.length);
    const horizon = horizons[cell % horizons.length] ?? 0;
    return timeOf(row) + horizon < split ? later(row, horizon) : Number.NaN;
  });
  const { model } = fitCandidate(
    {
      matrix,
      categorical: [],
      featureNames: names,
      target: { taskKind: "forecast", values: targets, quantiles, anchor: 0 },
      candidate: {
        kind: "gbdt",
        params: { numIterations: rounds, numLeaves: 15, learningRate: 0.1, minDataInLeaf: 20 },
        seeds: 1,
      },
      trainRows: train,
      seed: 1,
    },
    {},
  );
  answers.forEach(({ horizon, expected }, h) => {
    const test = rowsWhere((row) => timeOf(row) >= split && timeOf(row) < nTimes - horizon);
    const all = predict(model, selectRows(matrix, test)).values;
    const width = quantiles.length;
    const prediction = all.filter((_, at) => Math.floor((at % (horizons.length * width)) / width) === h);
    const truth = Float64Array.from(test, (row) => later(row, horizon));
    const { pinball = Number.NaN } = forecastMetrics({ truth, prediction }, { quantiles });
    expect(pinball / expected.pinball).toBeLessThan(1.03);
  });
});
