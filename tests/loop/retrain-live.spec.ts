import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient } from "../../cli/client.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import {
  driftWorkflowId,
  labelsScheduleId,
  performanceWorkflowId,
  retrainScheduleId,
} from "../../temporal-config/constants.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { pipelineText } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { toldOf } from "./support/told.ts";

/**
 * A retrain learns from the readings that were stored since, with the failures that were reported of them; and it is started by
 * a schedule, by enough new labels and by quality that fell, each through Temporal as it runs by itself.
 */

const STORY_MS = 900_000;
const MODEL = "telemetry-pumps";
const ASSETS = Array.from({ length: 12 }, (_, i) => `=pump ${i}`);
const HOUR_MS = 3_600_000;
const FIRST_MS = Date.parse("2026-01-01T00:00:00Z");
/** Hours in the files, and hours that are stored live; the last ten of the files come live as well. */
const IN_FILES = 60;
const LIVE = 40;
const OVERLAP = 10;

const FILE = `
name: ${MODEL}
owner: tests@example.com
sources:
  readings:
    files: pumps.csv
    live: telemetry
    asset: pump
    time: { column: time, kind: timestamp, format: '%d.%m.%Y %H:%M:%S' }
    format: { delimiter: ';', decimal: ',' }
    columns:
      - { name: temperature, unit: °C, nullable: false }
      - { name: vibration, unit: mm/s }
  events:
    role: events
    files: events.csv
    asset: pump
    time: { column: time, kind: timestamp }
    columns: [{ name: what, type: text, nullable: false }]
label: { kind: events, source: events, where: { what: failure } }
task: { kind: failure_within, horizon: 6h }
split: { holdout: { by: asset, share: 0.3 }, folds: 2 }
candidates: [{ kind: linear }]
gates: []
champion: { margin: -1 }
monitoring: { enabled: false }
retraining: { coolDown: 1s }
`;

interface Reading {
  readonly asset: string;
  readonly ms: number;
  readonly temperature: number;
  readonly vibration: number;
}

/** Every pump runs hot before hour 30 of each 40, when it fails. */
function readingsOf(from: number, to: number): Reading[] {
  const random = createGenerator(5);
  return ASSETS.flatMap((asset) =>
    Array.from({ length: to - from }, (_, i) => {
      const hour = from + i;
      const isNear = hour % 40 > 24 && hour % 40 <= 30;
      const temperature = 50 + (isNear ? 25 : 0) + 5 * random.next();
      return { asset, ms: FIRST_MS + hour * HOUR_MS, temperature, vibration: 3 + random.next() };
    }),
  );
}

const germanTime = (ms: number): string => {
  const [year = "", month = "", day = ""] = new Date(ms).toISOString().slice(0, 10).split("-");
  return `${day}.${month}.${year} ${new Date(ms).toISOString().slice(11, 19)}`;
};
const germanNumber = (value: number): string => value.toFixed(2).replace(".", ",");

describe("a retrain of a pipeline with a live source", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let api: ApiClient;
  let db: Database;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    api = new ApiClient({ baseUrl: platform.apiUrl });
    db = await createDatabase(platform.databaseUrl);
    const rows = readingsOf(0, IN_FILES).map(
      (one) =>
        `${one.asset};${germanTime(one.ms)};${germanNumber(one.temperature)};${germanNumber(one.vibration)}`,
    );
    const failures = ASSETS.map(
      (asset) => `${asset},${new Date(FIRST_MS + 30 * HOUR_MS).toISOString()},failure`,
    );
    const files = {
      "pumps.csv": `pump;time;temperature;vibration\n${rows.join("\n")}\n`,
      "events.csv": `pump,time,what\n${failures.join("\n")}\n`,
    };
    const { runId } = await person.startRun({ pipeline: FILE, files });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted", version: 1 });
    const columns = [
      { name: "vibration", unit: "mm/s" },
      { name: "temperature", unit: "°C" },
    ];
    await api.put("/v1/sources/telemetry", {
      reply: z.unknown(),
      body: { name: "telemetry", owner: "tests", columns },
    });
  });
  afterAll(async () => {
    await db.close();
    await platform.dispose();
  });

  const retrain = async () => {
    const asked = await api.post("/v1/retrains", {
      reply: z.looseObject({ window: z.string() }),
      body: { model: MODEL, reason: "test", skipCoolDown: true },
    });
    const find = async () => (await db.retrains.list({ model: MODEL, limit: 1 }))[0]?.runId;
    await expect.poll(find, { timeout: 60_000 }).toEqual(expect.any(String));
    const runId = (await find()) ?? "";
    const approval = await person.untilAsked(runId);
    const open = () => db.retrains.open(MODEL);
    if (approval === undefined) await expect.poll(open, { timeout: 10_000 }).toBeUndefined();
    const run = await db.runs.get(runId);
    const files = (await db.runs.inputOf(runId))?.files.map(({ name }) => name) ?? [];
    const dataset = await db.datasets.get(run?.dataset ?? "");
    return { window: asked.window, runId, files, sources: dataset?.manifest.sources };
  };

  it("is as it was while nothing was stored", async () => {
    const { files } = await retrain();
    expect(files).toEqual(["events.csv", "pumps.csv"]);
  });

  it("takes each stored reading once, in the form of live files, with the failures reported since", async () => {
    const sent = readingsOf(IN_FILES - OVERLAP, IN_FILES + LIVE);
    const readings = sent.map(({ asset, ms, temperature, vibration }) => ({
      asset,
      time: new Date(ms).toISOString(),
      values: { temperature, vibration },
    }));
    await api.post("/v1/readings", { reply: z.unknown(), body: { source: "telemetry", readings } });
    const labels = ASSETS.map((asset) => ({
      kind: "failure",
      asset,
      t: new Date(FIRST_MS + 70 * HOUR_MS).toISOString(),
    }));
    await api.post("/v1/labels", { reply: z.unknown(), body: { labels } });
    const { window, files, sources, runId } = await retrain();
    expect(files).toEqual([
      `@live/events/${window}.csv`,
      `@live/readings/${window}.csv`,
      "events.csv",
      "pumps.csv",
    ]);
    expect(sources?.["readings"]?.counts).toEqual({
      read: ASSETS.length * (IN_FILES + LIVE),
      accepted: ASSETS.length * (IN_FILES + LIVE),
      quarantined: 0,
      byReason: {},
    });
    expect(sources?.["readings"]?.nAssets).toBe(ASSETS.length);
    expect(sources?.["events"]?.counts).toMatchObject({ accepted: 2 * ASSETS.length, quarantined: 0 });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted" });
  });

  it("learns nothing of what failures may yet be reported of, and what was reported late, of its own assets alone", async () => {
    const daysAgo = (days: number) => new Date(Date.now() - days * 24 * HOUR_MS).toISOString();
    const readings = ASSETS.flatMap((asset) =>
      // The file has the default delay of a week.
      [8, 6].map((days) => ({ asset, time: daysAgo(days), values: { temperature: 51, vibration: 3 } })),
    );
    await api.post("/v1/readings", { reply: z.unknown(), body: { source: "telemetry", readings } });
    const [first = "", second = "", third = ""] = ASSETS;
    const beforeTheNewest = new Date(FIRST_MS + 90 * HOUR_MS).toISOString();
    const labels = [
      { kind: "failure", asset: first, t: beforeTheNewest },
      { kind: "failure", asset: second, t: daysAgo(5) },
      // The events of the champion have it.
      { kind: "failure", asset: third, t: new Date(FIRST_MS + 30 * HOUR_MS).toISOString() },
      { kind: "failure", asset: "a pump of another fleet", t: beforeTheNewest },
      { kind: "failure", asset: first, t: 200 },
    ];
    await api.post("/v1/labels", { reply: z.unknown(), body: { labels } });
    const { window, files, sources, runId } = await retrain();
    expect(files).toContain(`@live/events/${window}.csv`);
    expect(sources?.["readings"]?.counts).toMatchObject({
      accepted: ASSETS.length * (IN_FILES + LIVE + 1),
      quarantined: 0,
    });
    expect(sources?.["events"]?.counts).toMatchObject({ accepted: 2 * ASSETS.length + 1, quarantined: 0 });
    await person.finishRun(runId);
  });

  const STEP_MS = 60_000;
  const promoted = async (name: string, rest: string) => {
    const pipeline = `${pipelineText().replace("name: faults", `name: ${name}`)}\n${rest}\n`;
    const { runId } = await person.startRun({ pipeline });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted" });
  };
  const retrainsOf = (model: string) => db.retrains.list({ model, limit: 50 });
  const finished = (model: string, n: number) =>
    untilAnswered(`${n} retrains of ${model}`, inMs(STEP_MS), async () => {
      const items = (await retrainsOf(model)).filter(({ finishedAt }) => finishedAt !== null);
      return items.length >= n ? items : undefined;
    });

  it("is started by its schedule at every tick, though the cool-down is as long as its period", async () => {
    await promoted("by-tick", "retraining: { schedule: { every: 6s }, coolDown: 6s }");
    const items = await finished("by-tick", 3);
    await platform.client.schedule.getHandle(retrainScheduleId("by-tick")).pause();
    expect(new Set(items.map(({ trigger }) => trigger))).toEqual(new Set(["schedule"]));
    // A machine that is busy may leave one out as the one before still runs; none is too early.
    const refused = await db.retrains.refusals({ model: "by-tick", limit: 50 });
    expect(refused.filter(({ code }) => code === "cool_down")).toEqual([]);
  });

  it("is started by enough new labels, and by quality that fell", async () => {
    const model = "by-labels";
    await promoted(
      model,
      "performance: { minLabels: 20, confirmations: 1 }\nretraining: { newLabels: 30, coolDown: 1s }",
    );
    /** What the action of a schedule comes to, asked for now, and what Temporal's tools tell of it. */
    const act = async (scheduleId: string): Promise<object> => {
      const schedule = platform.client.schedule.getHandle(scheduleId);
      const before = (await schedule.describe()).info.numActionsTaken;
      await schedule.trigger();
      const action = await untilAnswered("its action", inMs(STEP_MS), async () => {
        const { info } = await schedule.describe();
        return info.numActionsTaken > before ? info.recentActions.at(-1) : undefined;
      });
      const { workflowId } = action.action.workflow;
      const result: object = await platform.client.workflow.getHandle(workflowId).result();
      return { ...result, told: await toldOf(platform.client, workflowId) };
    };
    const reply = z.looseObject({
      predictions: z.array(z.looseObject({ predictionId: z.string(), decision: z.boolean() })),
    });
    const rows = Array.from({ length: 60 }, (_, i) => ({
      temperature: 40 + (i * 40) / 60,
      vibration: 2 + (i * 8) / 60,
    }));
    const ask = (client: ApiClient) => client.post(`/v1/models/${model}/predict`, { reply, body: { rows } });
    const { predictions } = await person.ask("answers", ask, isNeverFinal);
    await untilAnswered("recorded answers", inMs(STEP_MS), async () => {
      const known = await db.predictions.list({ model, limit: 100 });
      return known.length === rows.length || undefined;
    });
    // None of the answers comes true.
    const labels = predictions.map(({ predictionId, decision }) => ({
      kind: "class",
      predictionId,
      value: decision ? 0 : 1,
    }));
    const say = (some: readonly object[]) =>
      api.post("/v1/labels", { reply: z.unknown(), body: { labels: some } });
    await say(labels.slice(0, 29));
    expect(await act(labelsScheduleId(model))).toMatchObject({
      isDue: false,
      refused: { code: "few_labels", message: `29 of 30 new labels of ${model}` },
      told: {
        summary: `Count new labels of ${model}`,
        stage: "retrain:few_labels",
        details: `**${model}**: 29 of 30 new labels of ${model}`,
      },
    });
    await say(labels.slice(29));
    expect(await act(labelsScheduleId(model))).toMatchObject({ isDue: true });
    expect(await finished(model, 1)).toMatchObject([{ trigger: "labels", outcome: "unchanged" }]);
    // They have had their retrain.
    expect(await act(labelsScheduleId(model))).toMatchObject({ isDue: false });

    const fell = {
      state: "degraded",
      confirmed: true,
      retrainWindow: expect.any(String) as string,
      told: { summary: `Judge ${model} by its labels`, stage: "performance:degraded", model },
    };
    // The cool-down of the last retrain: what fell within it would be refused.
    await sleep(1_100);
    expect(await act(performanceWorkflowId(model))).toMatchObject(fell);
    const [retrained] = await finished(model, 2);
    expect(retrained).toMatchObject({ trigger: "degradation", outcome: "unchanged" });
    const told = await toldOf(platform.client, retrained?.workflowId ?? "");
    expect(told).toMatchObject({
      stage: "retrain:unchanged",
      model,
      details: `**${model}**: retrained, unchanged`,
    });
    expect(told.summary).toBe(`Retrain ${model} (${retrained?.window})`);
    const checked = (await act(driftWorkflowId(model))) as { readonly state: string };
    expect(checked).toMatchObject({
      told: { summary: `Check ${model} for drift`, stage: `drift:${checked.state}`, model },
    });
  });
});
