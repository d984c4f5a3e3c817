import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient } from "../../cli/client.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";

/** A retrain learns from the readings that were stored since, with the failures that were reported of them. */

const STORY_MS = 300_000;
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
    await person.finishRun(runId);
  });
});
