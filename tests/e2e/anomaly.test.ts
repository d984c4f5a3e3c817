import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { PredictReply } from "../../schemas/serving/prediction.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/** Machines without any label, from the file to alerts, and another threshold without another training. */

const STORY_MS = 90_000;
const RUN_MS = 30_000;
const N_ASSETS = 6;
const N_DAYS = 30;

/** Two readings a day; current follows load, but on every tenth day of a machine. */
function readingsTable(): string {
  const random = createGenerator(5);
  const lines = ["machine,time,load,current,heat"];
  for (let asset = 0; asset < N_ASSETS; asset++) {
    for (let reading = 0; reading < 2 * N_DAYS; reading++) {
      const day = Math.floor(reading / 2);
      const time = new Date(Date.UTC(2026, 0, 1 + day, reading % 2 === 0 ? 6 : 18)).toISOString();
      const load = 50 + 10 * random.normal();
      const isUnusual = day % 10 === 9;
      const current = 2 * load + random.normal() + (isUnusual ? 30 : 0);
      const heat = 20 + 0.5 * load + random.normal();
      lines.push(`m${asset},${time},${load.toFixed(3)},${current.toFixed(3)},${heat.toFixed(3)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const PIPELINE = `
name: unusual
sources:
  readings:
    files: machines.csv
    asset: machine
    time: { column: time, kind: timestamp }
    columns:
      - { name: load, unit: '%' }
      - { name: current, unit: A }
      - { name: heat, unit: °C }
task: { kind: anomaly, alerts: { perAssetMonth: 3 } }
split: { folds: 2, holdout: { by: asset, share: 0.34 } }
gates:
  - { metric: alertShare, max: 0.2 }
monitoring: { every: 7d, window: 7d }
`;

const eventsSchema = z.looseObject({
  items: z.array(z.looseObject({ threshold: z.number(), reason: z.string() })),
});

await describeWithServices("a pipeline without labels", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let client: ApiClient;
  let view: RunView;
  const path = apiPath`/v1/models/${"unusual"}/versions/${1}/thresholds`;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    client = new ApiClient({ baseUrl: platform.apiUrl, timeoutMs: 10_000 });
    const files = { "machines.csv": readingsTable() };
    const { runId } = await person.startRun({ pipeline: PIPELINE, files });
    view = await person.finishRun(runId);
  }, STORY_MS);
  afterAll(() => platform.dispose());

  const ask = async () => {
    const headers = { "content-type": "application/json" };
    const rows = [
      { load: 50, current: 100, heat: 45 },
      { load: 50, current: 180, heat: 45 },
    ];
    const body = JSON.stringify({ model: "unusual", rows });
    const reply = await fetch(`${platform.apiUrl}/predict`, { method: "POST", headers, body });
    return (await reply.json()) as PredictReply;
  };

  it("is promoted, with the metrics of alerts alone", () => {
    expect(view).toMatchObject({ status: "finished", outcome: "promoted", version: 1 });
    expect(Object.keys(view.metrics?.test ?? {})).toEqual(["alertShare"]);
    expect(Object.keys(view.metrics?.cv ?? {}).sort()).toEqual(["alertShare", "stability"]);
  });

  it(
    "answers how unusual a row is, and whether it is an alert",
    async () => {
      await expect.poll(ask, { timeout: RUN_MS }).toMatchObject({ version: 1 });
      const { predictions, threshold = NaN } = await ask();
      const [usual, unusual] = predictions;
      expect(usual?.score).toBeLessThan(threshold);
      expect(unusual?.score).toBeGreaterThan(threshold);
      expect([usual?.decision, unusual?.decision]).toEqual([false, true]);
    },
    RUN_MS,
  );

  it(
    "alerts by another threshold as soon as a person sets it, and says who did",
    async () => {
      const reply = z.looseObject({ threshold: z.number(), basis: z.looseObject({ by: z.string() }) });
      const asked = await client.post(path, { reply, body: { share: 0.001, reason: "too many looks" } });
      expect(asked.basis.by).toBe("budget");
      await expect.poll(async () => (await ask()).threshold, { timeout: RUN_MS }).toBe(asked.threshold);
      await client.post(path, { reply, body: { threshold: 1e9, reason: "never" } });
      await expect.poll(async () => (await ask()).predictions[1]?.decision, { timeout: RUN_MS }).toBe(false);
      const { items } = await client.get(path, eventsSchema);
      expect(items.map(({ reason }) => reason)).toEqual(["never", "too many looks"]);
      const audit = await client.get("/v1/audit", z.looseObject({ items: z.array(z.looseObject({})) }));
      expect(JSON.stringify(audit.items)).toContain("model.threshold");
    },
    RUN_MS,
  );

  it("refuses two choices, none, and a version that is not there", async () => {
    const post = (body: unknown, at = path) => client.post(at, { reply: z.unknown(), body });
    await expect(post({ threshold: 1, share: 0.1, reason: "both" })).rejects.toMatchObject({
      code: "invalid_body",
    });
    await expect(post({ reason: "none" })).rejects.toMatchObject({ code: "invalid_body" });
    const other = apiPath`/v1/models/${"unusual"}/versions/${9}/thresholds`;
    await expect(post({ threshold: 1, reason: "x" }, other)).rejects.toMatchObject({ code: "not_found" });
  });
});
