import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import type { ExternalRequest } from "../../schemas/runs/external-trainer.ts";
import { evaluationSchema } from "../../schemas/models/model-version.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "../faults/fixture/pumps.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import {
  EXTERNAL_QUEUE,
  externalPipeline,
  pumpModel,
  startTrainer,
  uploadedModel,
} from "../support/external-trainer.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices, makeStateFolder, testEnvironment } from "../support/platform.ts";
import { endlessOnnx, linearOnnx } from "../support/tiny-onnx.ts";

/**
 * Models from elsewhere on a whole platform: imported from a file, and made by a trainer on another task queue. Both end
 * where a model trained here does. One story, in order.
 */

const STORY_MS = 480_000;
const STEP_MS = 180_000;
const GOOD = pumpModel();
const INPUTS = ["temperature", "vibration"];

const UNUSUAL = pipelineText()
  .replace("name: faults", "name: unusual")
  .replace("use: label", "use: ignore")
  .replace(/label: .*/, "")
  .replace("task: { kind: class }", "task: { kind: anomaly, alerts: { share: 0.05 } }")
  .replace(/candidates:[\s\S]*?\napproval/, "approval");

const HEAT = `
name: heat
sources:
  readings:
    files: hours.csv
    asset: machine
    time: { column: time, kind: timestamp }
    columns: [{ name: temperature, unit: °C }]
task: { kind: forecast, column: temperature, horizons: [1h], quantiles: [0.1, 0.5, 0.9] }
features: [{ current: { columns: '*' } }]
split: { folds: 2 }
`;

/** A wave of two degrees an hour at most. */
function hourlyReadings(): string {
  const lines = ["machine,time,temperature"];
  for (let machine = 0; machine < 2; machine++)
    for (let hour = 0; hour < 100; hour++) {
      const time = new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
      lines.push(`m${machine},${time},${(40 + 7 * Math.sin(hour / (4 + machine))).toFixed(3)}`);
    }
  return `${lines.join("\n")}\n`;
}

const documentSchema = z.looseObject({
  version: z.number().nullable(),
  outcome: z.string().nullable(),
  metrics: z.looseObject({ test: z.record(z.string(), z.number()) }),
});
const versionSchema = z.looseObject({ evaluation: evaluationSchema });
const lineageSchema = z.looseObject({
  counts: z.record(z.string(), z.number()),
  lists: z.looseObject({ versions: z.array(z.looseObject({ id: z.string(), state: z.string() })) }),
});
const manifestSchema = z.looseObject({
  rows: z.number(),
  manifest: z.looseObject({
    parts: z.array(z.looseObject({ object: z.looseObject({ sha256: z.string() }) })),
  }),
});

await describeWithServices("models from elsewhere", () => {
  const folder = makeStateFolder();
  let platform: FaultyPlatform;
  let aura: ReturnType<typeof createCli>;
  let client: ApiClient;

  const write = (name: string, bytes: string | Uint8Array) => writeFileSync(join(folder, name), bytes);
  const signature = (inputs: readonly string[], more: object = {}) =>
    JSON.stringify({ kind: "aura.import/1", inputs, ...more });
  const importModel = (...more: readonly string[]) =>
    aura("models", "import", ...more, "--name", "faults", "--json");
  const withPipeline = ["--pipeline", "pipeline.yaml", "--data", "data"];

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    client = new ApiClient({ baseUrl: platform.apiUrl });
    aura = createCli({ cwd: folder, env: testEnvironment({ AURA_API_URL: platform.apiUrl }) });
    mkdirSync(join(folder, "data"));
    write(`data/${DATA_FILE}`, pumpReadings(11));
    write("pipeline.yaml", pipelineText());
    write("good.onnx", GOOD);
    write("sig.json", signature(INPUTS, { threshold: 0.4 }));
  }, STEP_MS);
  afterAll(async () => {
    await platform.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it("needs something to judge a model by", async () => {
    const { code, stderr } = await importModel("good.onnx", "--signature", "sig.json");
    expect(code).toBe(2);
    expect(stderr).toContain("give a pipeline file");
  });

  it(
    "imports a file through evaluation, gates and approval, and serves it",
    async () => {
      const { code, stdout, stderr } = await importModel(
        "good.onnx",
        "--signature",
        "sig.json",
        "--approve-as",
        "ann",
        ...withPipeline,
      );
      expect(code, stderr).toBe(0);
      const done = documentSchema.parse(JSON.parse(stdout));
      expect(done).toMatchObject({ outcome: "promoted", version: 1 });
      expect(done.metrics.test["rocAuc"]).toBeGreaterThan(0.9);
      const { evaluation } = await client.get("/v1/models/faults/versions/1", versionSchema);
      const file = createHash("sha256").update(GOOD).digest("hex");
      expect(evaluation).toMatchObject({ origin: { kind: "imported", file }, threshold: 0.4 });
      expect(evaluation.candidates.map(({ kind }) => kind)).toEqual(["imported", "constant"]);

      const body = { model: "faults", rows: [{ temperature: 79, vibration: 9.5 }] };
      await expect
        .poll(() => client.post("/predict", { reply: z.looseObject({}), body }).then(() => true), {
          timeout: 15_000,
        })
        .toBe(true);
      const lineage = await client.get(apiPath`/v1/lineage/file/${file}`, lineageSchema);
      expect(lineage.lists.versions).toMatchObject([{ id: "faults@1", state: "production, imported" }]);
      const audit = z.looseObject({ items: z.array(z.looseObject({ action: z.string() })) });
      const { items } = await client.get("/v1/audit", audit, { subject: "model/faults" });
      expect(items.map(({ action }) => action)).toContain("model.import");
      const { code: again, stderr: said } = await aura("reproduce", "faults@1");
      expect(again).toBe(2);
      expect(said).toContain("it was not trained here");
    },
    STEP_MS,
  );

  it.each<[string, Uint8Array, string, RegExp]>([
    ["text", Buffer.from("#!/bin/sh\nrm -rf /\n"), signature(INPUTS), /unknown field|wire type|cut short/],
    ["a loop without end", endlessOnnx(), signature(["temperature"]), /Loop|must be the 2 features/],
    ["answers that are no probabilities", linearOnnx([5, 5], 0), signature(INPUTS), /probability of 0 to 1/],
    ["other inputs", GOOD, signature(INPUTS.toReversed()), /input 1 must be temperature/],
    ["an output that is not there", GOOD, signature(INPUTS, { output: "q" }), /no output q/],
  ])(
    "refuses %s, judged beside the champion",
    async (_name, bytes, sig, reason) => {
      write("bad.onnx", bytes);
      write("bad.json", sig);
      const { code, stderr } = await importModel("bad.onnx", "--signature", "bad.json");
      expect(code, stderr).toBe(2);
      expect(stderr).toMatch(reason);
      expect(stderr).toContain("model_refused");
    },
    STEP_MS,
  );

  it(
    "imports a detector whose threshold keeps the alert budget, and a forecast whose quantiles it sorts",
    async () => {
      write("unusual.yaml", UNUSUAL);
      write("low.onnx", linearOnnx([-1 / 8, -1 / 2], 0));
      write("low.json", signature(INPUTS, { unusual: "lower" }));
      mkdirSync(join(folder, "hours"));
      write("hours/hours.csv", hourlyReadings());
      write("heat.yaml", HEAT);
      write("spread.onnx", linearOnnx([1], [2, 0, -2]));
      write("spread.json", signature(["temperature"]));
      const imported = (name: string, file: string, sig: string, data: string) =>
        aura(
          "models",
          "import",
          `${file}.onnx`,
          "--signature",
          `${sig}.json`,
          "--name",
          name,
          "--json",
          "--pipeline",
          `${name}.yaml`,
          "--data",
          data,
          "--approve-as",
          "ann",
        );
      const [detector, forecast] = await Promise.all([
        imported("unusual", "low", "low", "data"),
        imported("heat", "spread", "spread", "hours"),
      ]);
      expect(detector.code, detector.stderr).toBe(0);
      const { evaluation } = await client.get("/v1/models/unusual/versions/1", versionSchema);
      expect(evaluation.metrics.test["alertShare"]).toBeGreaterThan(0.01);
      expect(evaluation.metrics.test["alertShare"]).toBeLessThan(0.1);
      // Hot and shaking pumps are the unusual ones: 80 °C and 10 mm/s score 15.
      expect(evaluation.threshold).toBeGreaterThan(12);

      expect(forecast.code, forecast.stderr).toBe(0);
      const { metrics } = documentSchema.parse(JSON.parse(forecast.stdout));
      expect(metrics.test["intervalCoverage"]).toBeGreaterThan(0.9);
      expect(metrics.test["mase"]).toBeCloseTo(1, 5);
    },
    STEP_MS,
  );

  it(
    "trains a candidate on another task queue, and judges it here",
    async () => {
      const seen: ExternalRequest[] = [];
      const trainer = await startTrainer(platform.temporalAddress, async (request) => {
        seen.push(request);
        const set = await client.get(apiPath`/v1/feature-sets/${request.featureSet}`, manifestSchema);
        expect(set.rows).toBe(request.rows);
        for (const { object } of set.manifest.parts) {
          const path = apiPath`/v1/data/features/${request.featureSet}/parts/${object.sha256}`;
          const bytes = Buffer.from(await new Response(await client.getStream(path)).arrayBuffer());
          expect(createHash("sha256").update(bytes).digest("hex")).toBe(object.sha256);
        }
        return { ...(await uploadedModel(platform.apiUrl, GOOD)), metrics: { own: 1 }, iterations: 7 };
      });
      try {
        const person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
        const { runId } = await person.startRun({ pipeline: externalPipeline("elsewhere") });
        const view = await person.finishRun(runId);
        expect(view).toMatchObject({ outcome: "promoted", version: 1 });
        expect(view.evaluation?.origin).toMatchObject({ kind: "external", trainer: EXTERNAL_QUEUE });
        expect(view.metrics?.cv["rocAuc"]).toBeGreaterThan(0.9);
        // Two folds, then all: the holdout is in none of them.
        expect(seen.map(({ fold, iterations }) => [fold?.fold ?? null, iterations])).toEqual(
          expect.arrayContaining([
            [0, null],
            [1, null],
            [null, 7],
          ]),
        );
        expect(Math.max(...seen.map(({ rows }) => rows))).toBe(300);
      } finally {
        await trainer.close();
      }
    },
    STEP_MS,
  );

  it(
    "ends a run with the words of a trainer that fails, and of one that answers nonsense",
    async () => {
      for (const [name, code, words, train] of [
        ["failing", "trainer_failed", /out of memory/, () => Promise.reject(failure("out of memory"))],
        ["mumbling", "model_refused", /answer of the trainer/, async () => ({ onnx: "yes" })],
      ] as const) {
        const trainer = await startTrainer(platform.temporalAddress, train);
        try {
          const person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
          const { runId } = await person.startRun({ pipeline: externalPipeline(name) });
          const { error } = await person.untilOver(runId);
          expect(error?.code).toBe(code);
          expect(error?.message).toMatch(words);
        } finally {
          await trainer.close();
        }
      }
    },
    STEP_MS,
  );
});

const failure = (message: string) => ApplicationFailure.nonRetryable(message, "MemoryError");
