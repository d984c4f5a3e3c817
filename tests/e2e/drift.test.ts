import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { apiPath } from "../../cli/client.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import { retrainRefusalSchema, retrainSchema } from "../../schemas/runs/retrain.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/**
 * Drift → retrain: a champion, a shift in what it is asked, a check that finds it, another one of new rows that confirms it,
 * one retrain that stops at its approval while the old champion goes on. The same on a whole fleet, as people see it, is
 * tests/loop/drift-demo.spec.ts.
 */

const STORY_MS = 400_000;
/** Other test files load the machine meanwhile. */
const PATIENCE_MS = 180_000;
const MODEL = "faults";
/** Above `monitoring.minRows` of the fixture. */
const N_ASKED = 60;
const PIPELINE = pipelineText()
  .replace(/candidates:[^]*?\n\n/, "candidates:\n  - { kind: forest, params: { numTrees: 30 } }\n\n")
  .replace("confirmations: 1", "confirmations: 2");

const reportSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  confirmed: z.boolean(),
  rows: z.int(),
});
const startedSchema = z.looseObject({ workflowId: z.string(), runId: z.string() });
const reportsSchema = z.looseObject({ items: z.array(reportSchema) });
const runsSchema = z.looseObject({ items: z.array(runViewSchema) });
const retrainsSchema = z.looseObject({
  items: z.array(retrainSchema),
  refused: z.array(retrainRefusalSchema),
});

await describeWithServices("drift and retrain", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    // So few rows that a model of more is better.
    const files = { [DATA_FILE]: pumpReadings(11, 200) };
    const { runId } = await person.startRun({ pipeline: PIPELINE, files });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted", version: 1 });
    const newer = [await person.upload(DATA_FILE, pumpReadings(11, 800))];
    await person.ask("add files", (client) =>
      client.post(apiPath`/v1/pipelines/${MODEL}/files`, { reply: z.unknown(), body: { files: newer } }),
    );
  }, PATIENCE_MS);
  afterAll(() => platform.dispose());

  /** Questions far from what the champion was trained on, in a segment that a check can read. */
  const askShifted = async (nAll: number): Promise<void> => {
    const rows = Array.from({ length: N_ASKED }, (_, i) => ({
      temperature: 95 + (i % 40) / 2,
      vibration: 2 + (i % 16) / 2,
    }));
    const reply = z.looseObject({ predictions: z.array(z.unknown()) });
    await person.ask(
      "an answer of the champion",
      (client) => client.post(apiPath`/v1/models/${MODEL}/predict`, { reply, body: { rows } }),
      isNeverFinal,
    );
    // An API that ends closes its trace segment at once, and not after half a minute.
    await platform.restart("api", inMs(STORY_MS));
    const listed = z.looseObject({ items: z.array(z.unknown()) });
    await person.ask("shipped traces", async (client) => {
      const { items } = await client.get("/v1/predictions", listed, { model: MODEL, limit: 1_000 });
      return items.length >= nAll || undefined;
    });
  };

  const reports = () =>
    person.ask("the reports", (client) =>
      client.get(apiPath`/v1/drift/${MODEL}`, reportsSchema, { summary: "true" }),
    );
  /** A check by hand, to its end: one that is asked for while another is ending would be taken for that one. */
  const check = async () => {
    const { workflowId, runId } = await person.ask("check", (client) =>
      client.post(apiPath`/v1/drift/${MODEL}/check`, { reply: startedSchema }),
    );
    await platform.client.workflow.getHandle(workflowId, runId).result();
    return (await reports()).items[0];
  };
  const retrains = () => person.ask("the retrains", (client) => client.get("/v1/retrains", retrainsSchema));

  it(
    "says of too few answers that it cannot tell",
    async () => {
      expect(await check()).toMatchObject({ state: "insufficient_data", confirmed: false });
    },
    PATIENCE_MS,
  );

  it(
    "suspects a shift, and does not confirm it by the rows that it has seen",
    async () => {
      await askShifted(N_ASKED);
      expect(await check()).toMatchObject({ state: "drift", confirmed: false, rows: N_ASKED });
      expect(await check()).toMatchObject({ state: "drift", confirmed: false, rows: N_ASKED });
      expect((await retrains()).items).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    "confirms it by new rows, and retrains once, up to the approval",
    async () => {
      await askShifted(2 * N_ASKED);
      expect(await check()).toMatchObject({ state: "drift", confirmed: true, rows: 2 * N_ASKED });
      const waiting = await person.ask("the retrain's run", async (client) => {
        const { items } = await client.get("/v1/runs", runsSchema, { model: MODEL });
        return items.find(({ requestedBy, status }) => requestedBy === "aura" && status === "waiting");
      });
      const approval = await person.untilAsked(waiting.runId);
      expect(approval).toMatchObject({ subject: `${MODEL}@2`, state: "waiting", requestedBy: "aura" });
      expect((await retrains()).items).toMatchObject([{ trigger: "drift", state: "running", version: 2 }]);
    },
    PATIENCE_MS,
  );

  it(
    "starts no second one, and leaves the old champion in use",
    async () => {
      expect(await check()).toMatchObject({ confirmed: true });
      const refused = await untilAnswered(
        "a refusal",
        inMs(STORY_MS),
        async () => (await retrains()).refused[0],
      );
      expect(refused).toMatchObject({ trigger: "drift", code: "open", possibleAt: null });
      expect((await retrains()).items).toHaveLength(1);
      const champion = z.looseObject({ version: z.int() });
      const present = await person.ask("the champion", (client) =>
        client.get(apiPath`/v1/models/${MODEL}/champion`, champion),
      );
      expect(present.version).toBe(1);
    },
    PATIENCE_MS,
  );
});
