import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { TASK_QUEUES } from "../../temporal-config/constants.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";

/**
 * The world changes, drift is confirmed, what is trained anew answers otherwise than the champion, as it has to, and takes over in
 * stages under the guards that every file has.
 */

const STORY_MS = 170_000;
const MODEL = "moved";
const N_OLD = 400;
const N_NEW = 1_600;
const ROLLOUT = "rollout: { shadow: { bake: 2s }, steps: [{ share: 50, bake: 2s }], minRows: 150 }";
const FILE = pipelineText()
  .replace("name: faults", `name: ${MODEL}`)
  .replace(/candidates:[^]*?\n\n/, "candidates:\n  - { kind: forest, params: { numTrees: 60 } }\n\n")
  .replace("task:", `${ROLLOUT}\n\ntask:`);

/** Since the change pumps run hot, and only what shakes fails: the champion expects most of them to. */
function pumpNow(random: ReturnType<typeof createGenerator>) {
  const row = { temperature: 90 + 25 * random.next(), vibration: 2 + 8 * random.next() };
  return { row, failed: row.vibration + random.next() > 9 };
}

describe("a retrain that drift asked for", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let api: ApiClient;
  let db: Database;
  let traffic: NodeJS.Timeout | undefined;
  const random = createGenerator(23);

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    api = new ApiClient({ baseUrl: platform.apiUrl });
    db = await createDatabase(platform.databaseUrl);
  });
  afterAll(async () => {
    clearInterval(traffic);
    await db.close();
    await platform.dispose();
  });

  const answered = z.looseObject({ version: z.int(), predictions: z.array(z.unknown()) });
  const predict = (client: ApiClient, nRows: number) =>
    client.post(apiPath`/v1/models/${MODEL}/predict`, {
      reply: answered,
      body: { rows: Array.from({ length: nRows }, () => pumpNow(random).row) },
    });

  it("is rolled out and promoted with default guards, and what they bore is told", async () => {
    const first = await person.startRun({ pipeline: FILE, files: { [DATA_FILE]: pumpReadings(11, N_OLD) } });
    expect(await person.finishRun(first.runId)).toMatchObject({ outcome: "promoted", version: 1 });
    const since = Array.from({ length: N_NEW }, (_, i) => {
      const { row, failed } = pumpNow(random);
      return `n${i},${row.temperature.toFixed(2)},${row.vibration.toFixed(3)},${failed ? 1 : 0}`;
    });
    const now = `${pumpReadings(11, N_OLD)}${since.join("\n")}\n`;
    await api.post(apiPath`/v1/pipelines/${MODEL}/files`, {
      reply: z.unknown(),
      body: { files: [await person.upload(DATA_FILE, now)] },
    });
    await person.ask("an answer of the champion", (client) => predict(client, 120), isNeverFinal);
    // An API that ends closes its trace segment at once, and not after half a minute.
    await platform.restart("api", inMs(STORY_MS));
    await untilAnswered("shipped traces", inMs(STORY_MS), async () => {
      const list = z.looseObject({ items: z.array(z.unknown()) });
      const { items } = await api.get("/v1/predictions", list, { model: MODEL });
      return items.length > 0 || undefined;
    });
    const check: { confirmed: boolean; retrainWindow?: string } = await platform.client.workflow.execute(
      "driftWorkflow",
      { workflowId: `drift/${MODEL}/now`, taskQueue: TASK_QUEUES.control, args: [{ model: MODEL }] },
    );
    expect(check).toMatchObject({ confirmed: true, retrainWindow: expect.any(String) });
    const runId = await untilAnswered("the retrain's run", inMs(STORY_MS), async () => {
      const [retrain] = await db.retrains.list({ model: MODEL, limit: 1 });
      return retrain?.runId ?? undefined;
    });
    const failures: unknown[] = [];
    traffic = setInterval(() => {
      predict(api, 1).catch((error: unknown) => failures.push(error));
    }, 15);
    const run = await person.finishRun(runId);
    const [rollout] = await db.rollouts.list({ model: MODEL, limit: 1 });
    expect(rollout, rollout?.reason ?? "").toMatchObject({ state: "promoted", runId, guard: null });
    expect(run).toMatchObject({ outcome: "promoted" });
    expect(await db.registry.champion(MODEL)).toMatchObject({ version: run.version });
    const told = (await db.rollouts.events(rollout?.id ?? "")).map(({ reason }) => reason);
    expect(
      told.some((one) => /borne after drift \[(disagreement|score_shift)\]: /.test(one)),
      told.join("\n"),
    ).toBe(true);
    expect(failures).toEqual([]);
  });
});
