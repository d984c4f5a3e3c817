import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { apiPath } from "../../cli/client.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { trialListSchema } from "../../schemas/runs/trial.ts";
import { fleetScoreSchema } from "../../schemas/serving/score.ts";
import type { PredictReply } from "../../schemas/serving/prediction.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/** Temperatures some hours ahead, from the file to served quantiles. */

const STORY_MS = 180_000;
const RUN_MS = 90_000;
const N_ASSETS = 4;
const N_HOURS = 24 * 10;
const START = Date.UTC(2026, 0, 1);

const timeOf = (hour: number): string => new Date(START + hour * 3_600_000).toISOString();

/** A day's swing about a level of each machine's own, and noise. */
function temperature(asset: number, hour: number, noise: number): number {
  return 40 + 3 * asset + 8 * Math.sin((2 * Math.PI * hour) / 24) + noise;
}

function readingsTable(): string {
  const random = createGenerator(3);
  const lines = ["machine,time,temperature,load"];
  for (let asset = 0; asset < N_ASSETS; asset++) {
    for (let hour = 0; hour < N_HOURS; hour++) {
      const value = temperature(asset, hour, random.normal());
      lines.push(`m${asset},${timeOf(hour)},${value.toFixed(3)},${(50 + random.normal()).toFixed(3)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const PIPELINE = `
name: heat
sources:
  readings:
    files: machines.csv
    asset: machine
    time: { column: time, kind: timestamp }
    columns:
      - { name: temperature, unit: °C }
      - { name: load, unit: '%' }
task:
  kind: forecast
  column: temperature
  horizons: [1h, 6h]
  quantiles: [0.1, 0.5, 0.9]
  season: 24h
  limit: { above: 56 }
features:
  - current: { columns: '*' }
  - lag: { columns: [temperature], steps: [6, 12, 18, 23] }
  - cyclical: { of: [hour_of_day] }
split: { folds: 2 }
candidates:
  - { kind: gbdt, params: { numIterations: 25, learningRate: 0.3, numLeaves: 15 } }
  - { kind: linear }
monitoring: { every: 7d, window: 7d }
`;

/** Two points of a small space, in the place of the candidates. */
const SEARCHED = `candidates:
  - kind: gbdt
    params: { numIterations: 12, learningRate: 0.3 }
    search: { numLeaves: { kind: integer, low: 4, high: 12 } }
search: { sampler: random, budget: { trials: 2 } }
`;

await describeWithServices("a forecast", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let view: RunView;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    const { runId } = await person.startRun({
      pipeline: PIPELINE,
      files: { "machines.csv": readingsTable() },
    });
    view = await person.finishRun(runId);
  }, STORY_MS);
  afterAll(() => platform.dispose());

  it("is promoted, better than the season before", () => {
    expect(view).toMatchObject({ status: "finished", outcome: "promoted", version: 1 });
    const { test = {} } = view.metrics ?? {};
    expect(test["mase"]).toBeLessThan(0.95);
    expect(test["skill"]).toBeGreaterThan(0.5);
    expect(test["intervalCoverage"]).toBeGreaterThan(0.7);
    expect(test["intervalCoverage"]).toBeLessThan(0.9);
  });

  it(
    "answers ordered quantiles of each horizon with their time",
    async () => {
      const readings = Array.from({ length: 25 }, (_, i) => ({
        t: timeOf(N_HOURS + i),
        temperature: temperature(1, N_HOURS + i, 0),
        load: 50,
      }));
      const body = JSON.stringify({ model: "heat", asset: "m1", readings });
      const headers = { "content-type": "application/json" };
      const ask = async (query = "") => {
        const reply = await fetch(`${platform.apiUrl}/predict${query}`, { method: "POST", headers, body });
        return (await reply.json()) as PredictReply;
      };
      await expect.poll(ask, { timeout: RUN_MS }).toMatchObject({ version: 1, unit: "°C" });
      const { predictions } = await ask("?explain=3");
      const [prediction] = predictions;
      const points = prediction?.forecast ?? [];
      expect(points.map(({ horizon, time }) => [horizon, time])).toEqual([
        ["1h", timeOf(N_HOURS + 25)],
        ["6h", timeOf(N_HOURS + 30)],
      ]);
      points.forEach(({ median, quantiles }, h) => {
        const values = Object.values(quantiles);
        expect(Object.keys(quantiles)).toEqual(["0.1", "0.5", "0.9"]);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
        expect(Math.abs(median - temperature(1, N_HOURS + [25, 30][h]!, 0))).toBeLessThan(2);
      });
      const { unit, horizon, before, rawScore = NaN } = prediction?.explanation ?? {};
      expect({ unit, horizon }).toEqual({ unit: "°C", horizon: "1h" });
      expect(before).toEqual(["conformal_offset", "present_value", "sorted_quantiles"]);
      const now = readings.at(-1)?.temperature ?? NaN;
      expect(Math.abs(now + rawScore - (points[0]?.median ?? NaN))).toBeLessThan(1);
    },
    RUN_MS,
  );

  it("answers nothing where the present value is not known", async () => {
    const post = async (body: object) => {
      const headers = { "content-type": "application/json" };
      const reply = await fetch(`${platform.apiUrl}/v1/models/heat/predict`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return { status: reply.status, text: await reply.text() };
    };
    const reading = (hour: number, value: number | null) => ({
      t: timeOf(hour),
      temperature: value,
      load: 50,
    });
    const silent = await post({ asset: "m1", readings: [reading(1, 40), reading(2, null)] });
    expect(silent.status).toBe(422);
    expect(silent.text).toContain("a value of temperature at the last reading");
    const row = await post({ rows: [{ temperature: null, load: 50 }] });
    expect(row.status).toBe(422);
  });

  it(
    "ranks a fleet by how likely the limit is crossed",
    async () => {
      const cold = Array.from({ length: 30 }, (_, i) => `cold,${timeOf(i)},${20 + (i % 3)},50`);
      const silent = Array.from({ length: 30 }, (_, i) => `silent,${timeOf(i)},${i < 29 ? 30 : ""},50`);
      const text = `${readingsTable()}${[...cold, ...silent].join("\n")}\n`;
      const body = { model: "heat", files: [await person.upload("machines.csv", text)] };
      const reply = z.looseObject({ scoreId: z.string() });
      const { scoreId } = await person.ask("to score", (api) => api.post("/v1/scores", { reply, body }));
      const path = apiPath`/v1/scores/${scoreId}`;
      const score = await person.ask("the score", (api) => api.get(path, fleetScoreSchema));
      expect(score.summary).toMatchObject({ kind: "forecast", order: "descending", unit: "°C" });
      expect(score.summary.leftOut).toMatchObject([{ asset: "silent", reason: "no_present_value" }]);
      const risks = score.rows.map(({ risk }) => risk ?? NaN);
      expect(risks).toEqual(risks.toSorted((a, b) => b - a));
      expect(score.rows).toHaveLength(N_ASSETS + 1);
      expect(score.rows.find(({ asset }) => asset === "cold")?.risk).toBe(0);
      const [first] = score.rows;
      expect(first?.forecast?.map(({ horizon }) => horizon)).toEqual(["1h", "6h"]);
      expect(first?.forecast?.[0]?.time).toBe(timeOf(N_HOURS));
    },
    RUN_MS,
  );

  it(
    "is compared with what a search of another candidate found",
    async () => {
      const pipeline = PIPELINE.replace(/candidates:\n(.*\n){2}/, SEARCHED);
      const { runId } = await person.startRun({ pipeline, files: { "machines.csv": readingsTable() } });
      const other = await person.finishRun(runId);
      const champion = other.gates?.find(({ name }) => name === "champion @1");
      expect(champion?.detail).toContain("pinball");
      const path = apiPath`/v1/runs/${runId}/trials`;
      const { items } = await person.ask("the trials", (api) => api.get(path, trialListSchema));
      expect(items.map(({ number, state, folds }) => [number, state, folds.length])).toEqual([
        [0, "complete", 2],
        [1, "complete", 2],
      ]);
      for (const { objectives } of items) expect(objectives).toMatchObject([{ metric: "pinball" }]);
      // Cross-validation trains the found candidate again, and finds what its trial found.
      expect(other.metrics?.cv["pinball"]).toBe(Math.min(...items.map(({ loss }) => loss ?? NaN)));
    },
    RUN_MS,
  );
});
