import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from "@temporalio/client";
import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import pg from "pg";
import { z } from "zod";
import { apiPath } from "../../cli/client.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { promoteWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import type { BoundaryWatch } from "./boundaries.ts";
import { isNeverFinal, PatientPerson } from "./drive-run.ts";
import type { FaultyPlatform } from "./faulty-platform.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "./fixture/pumps.ts";
import { untilAnswered } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";

/**
 * Everything that a platform does, once, as people would ask for it:
 *
 *   run      a pipeline with a search to its approval and promotion                       → version 1
 *   drift    shifted questions, a check that confirms it, its retraining to its approval  → version 2 (phase `again`)
 *   rollback to version 1
 *   score    a fleet
 *   house    what the score read is past its time at once, and removed
 *
 * A person repeats each request until it is answered; what must happen once has a key of its own.
 */

const MODEL = "faults";
/** A linear model is as good on few rows as on many: the retrained one would be refused. */
const PIPELINE = pipelineText()
  .replace("kind: linear", "kind: forest")
  .replace("minDataInLeaf: 10 }", "}\n    search: { minDataInLeaf: { kind: integer, low: 5, high: 20 } }")
  .replace("task:", "search: { budget: { trials: 2 }, generation: 2 }\n\ntask:")
  .replace("task:", "retention: 0d\n\ntask:");
/** More rows than the first time: better than the champion, or the gate would end the story. */
const MORE_ROWS = 1_200;
const FLEET_ROWS = 40;
/** A look for drift takes at least 50 rows. */
const N_ASKED = 120;
export const DRIFT_WORKFLOW_ID = `drift/${MODEL}/asked`;

export interface Life {
  readonly platform: FaultyPlatform;
  readonly watch: Pick<BoundaryWatch, "watch">;
  readonly deadline: DeadlineMs;
  /** Ends after the first promotion, or after the retrain's; default: goes to its end. */
  readonly until?: LifeEnd;
}

export type LifeEnd = "promotion" | "retrain";

/** @throws {TooLateError} something is stuck; {PlatformError} the platform refused what it should do */
export async function live({ platform, watch, deadline, until }: Life): Promise<void> {
  const person = new PatientPerson(platform.apiUrl, deadline);
  const seed = 11;
  const { runId, workflowId } = await person.startRun({ pipeline: PIPELINE, dataSeed: seed });
  watch.watch(workflowId, "run");
  requirePromoted(await person.finishRun(runId));
  if (until === "promotion") return;
  const story = new Story({ platform, watch, deadline, person });
  await story.askShifted();
  await story.addFiles(pumpReadings(seed, MORE_ROWS));
  await story.retrainOnDrift();
  if (until === "retrain") return story.untilRetrained();
  await story.rollBack();
  await story.score(pumpReadings(seed + 1, FLEET_ROWS));
  await story.keepHouse();
}

/** Else nothing would come after it. */
function requirePromoted({ outcome, status, error }: RunView): void {
  if (outcome !== "promoted")
    throw new Error(`the run is ${outcome ?? status}: ${error?.message ?? "no error"}`);
}

class Story {
  readonly #platform: FaultyPlatform;
  readonly #watch: Pick<BoundaryWatch, "watch">;
  readonly #deadline: DeadlineMs;
  readonly #person: PatientPerson;

  constructor(given: Omit<Life, "until"> & { readonly person: PatientPerson }) {
    this.#platform = given.platform;
    this.#watch = given.watch;
    this.#deadline = given.deadline;
    this.#person = given.person;
  }

  /** Questions far from what the champion was trained on; done when their traces can be read by a check. */
  async askShifted(): Promise<void> {
    const rows = Array.from({ length: N_ASKED }, (_, i) => ({
      temperature: 95 + (i % 40) / 2,
      vibration: 2 + (i % 16) / 2,
    }));
    const reply = z.looseObject({ predictions: z.array(z.unknown()) });
    await this.#person.ask(
      "an answer of the champion", // whom the API may not have loaded yet
      (client) => client.post(apiPath`/v1/models/${MODEL}/predict`, { reply, body: { rows } }),
      isNeverFinal,
    );
    // An API that ends closes its trace segment at once, and not after half a minute.
    await this.#platform.restart("api", this.#deadline);
    await untilAnswered("shipped traces", this.#deadline, async () => {
      const shipped = await this.#count(
        "select count(*)::int as n from aura.prediction_index join aura.prediction_segments using (segment)",
      );
      return shipped >= N_ASKED || undefined;
    });
  }

  async addFiles(csv: string): Promise<void> {
    const files = [await this.#person.upload(DATA_FILE, csv)];
    await this.#person.ask("add files", (client) =>
      client.post(apiPath`/v1/pipelines/${MODEL}/files`, { reply: z.unknown(), body: { files } }),
    );
  }

  /** A check as its schedule starts it, the retraining that it starts, and the approval of that. */
  async retrainOnDrift(): Promise<void> {
    await untilAnswered("start the drift check", this.#deadline, () => this.#startDriftCheck());
    this.#watch.watch(DRIFT_WORKFLOW_ID, "drift");
    const runs = z.looseObject({ items: z.array(runViewSchema) });
    const runId = await this.#person.ask("the run of the retraining", async (client) => {
      const { items } = await client.get("/v1/runs", runs, { model: MODEL, limit: 10 });
      return items.find(({ requestedBy }) => requestedBy === "aura")?.runId;
    });
    requirePromoted(await this.#person.finishRun(runId));
  }

  /** The retrain itself ends after its run. */
  async untilRetrained(): Promise<void> {
    const listed = z.looseObject({ items: z.array(z.looseObject({ workflowId: z.string() })) });
    const workflowId = await this.#person.ask("the retrain", async (client) => {
      const { items } = await client.get("/v1/retrains", listed, { model: MODEL });
      return items[0]?.workflowId;
    });
    const handle = this.#platform.client.workflow.getHandle(workflowId);
    await untilAnswered("the end of the retrain", this.#deadline, async () => {
      const { status } = await handle.describe();
      return status.name !== "RUNNING" || undefined;
    });
  }

  async #startDriftCheck(): Promise<true> {
    try {
      await this.#platform.client.workflow.start("driftWorkflow", {
        workflowId: DRIFT_WORKFLOW_ID,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        taskQueue: TASK_QUEUES.control,
        args: [{ model: MODEL }],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return true;
  }

  async rollBack(): Promise<void> {
    const workflowId = promoteWorkflowId(MODEL, 1);
    const handle = this.#platform.client.workflow.getHandle(workflowId);
    const runIdNow = async () => (await handle.describe()).runId;
    const first = await untilAnswered("the first promotion", this.#deadline, runIdNow);
    const another = async () => {
      const runId = await runIdNow();
      return runId === first ? undefined : runId;
    };
    // The request is answered when the promotion has ended: it is looked for meanwhile, often, as it takes 20 ms.
    const watching = untilAnswered("the rollback", this.#deadline, another, { pauseMs: 3 }).then((runId) =>
      this.#watch.watch(workflowId, "rollback", runId),
    );
    const body = { from: 2, reason: "false alarms" };
    await this.#person.ask("roll back", async (client) => {
      try {
        return await client.post(apiPath`/v1/models/${MODEL}/rollback`, { reply: z.unknown(), body });
      } catch (error) {
        // Done by a request whose reply was lost: version 2 is not the champion any more.
        if (isPlatformError(error) && error.code === "conflict") return true;
        throw error;
      }
    });
    await watching;
    // A request is answered when the promotion has ended, or earlier where that takes long.
    const champion = z.looseObject({ version: z.int() });
    await untilAnswered("the champion of the rollback", this.#deadline, async () => {
      const reply = await this.#person.ask("the champion", (client) =>
        client.get(apiPath`/v1/models/${MODEL}/champion`, champion),
      );
      return reply.version === 1 || undefined;
    });
  }

  async score(csv: string): Promise<void> {
    const files = [await this.#person.upload(DATA_FILE, csv)];
    const started = z.looseObject({ scoreId: z.string(), workflowId: z.string(), runId: z.string() });
    const { scoreId, workflowId, runId } = await this.#person.ask("start the score", (client) =>
      client.post("/v1/scores", { reply: started, body: { model: MODEL, files } }),
    );
    this.#watch.watch(workflowId, "score", runId);
    const done = z.looseObject({ rows: z.array(z.unknown()) });
    await this.#person.ask(
      "the score",
      (client) => client.get(apiPath`/v1/scores/${scoreId}`, done),
      isNeverFinal,
    );
  }

  async keepHouse(): Promise<void> {
    const started = z.looseObject({ workflowId: z.string(), runId: z.string() });
    // As if queued two days ago: what is younger would stay, and no object would be deleted here.
    await this.#person.ask("age the queue", () =>
      this.#query(
        "alter table aura.object_removals alter column queued_at set default clock_timestamp() - interval '2 days'",
      ),
    );
    const body = { removeDatasets: true };
    const { workflowId, runId } = await this.#person.ask("start housekeeping", (client) =>
      client.post("/v1/housekeeping", { reply: started, body }),
    );
    this.#watch.watch(workflowId, "house", runId);
    const handle = this.#platform.client.workflow.getHandle(workflowId, runId);
    await untilAnswered("the end of housekeeping", this.#deadline, async () => {
      const { status } = await handle.describe();
      return status.name !== "RUNNING" || undefined;
    });
  }

  async #count(sql: string): Promise<number> {
    return (await this.#query(sql))[0]?.n ?? 0;
  }

  async #query(sql: string): Promise<readonly { n: number }[]> {
    const client = new pg.Client({ connectionString: this.#platform.databaseUrl });
    client.on("error", () => undefined); // told by the query that fails
    await client.connect();
    try {
      return (await client.query<{ n: number }>(sql)).rows;
    } finally {
      await client.end();
    }
  }
}
