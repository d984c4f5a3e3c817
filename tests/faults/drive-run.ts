import { Readable } from "node:stream";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { readApproval, approvalSchema } from "../../cli/run/approval.ts";
import type { Approval } from "../../cli/run/approval.ts";
import { isOver } from "../../cli/run/follow-run.ts";
import { rawFileSchema } from "../../schemas/data/dataset.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { RunStage, RunView } from "../../schemas/runs/run.ts";
import { DATA_FILE, pipelineText, pumpReadings } from "./fixture/pumps.ts";
import { untilAnswered } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";

/** A call that hangs on a dead part is given up and repeated. */
const CALL_TIMEOUT_MS = 5_000;
const DATA_SEED = 11;
/** The same for every repetition: the decision counts once however often it is sent. */
const DECISION_ID = "faults-decision";

const startedSchema = z.looseObject({ runId: z.string(), workflowId: z.string(), isNew: z.boolean() });

export interface StartedRun {
  readonly runId: string;
  readonly workflowId: string;
  /** False where the same work was started before. */
  readonly isNew: boolean;
}

/** By default the run of the fault tests. */
export interface RunGiven {
  readonly pipeline?: string;
  readonly dataSeed?: number;
  /** Instead of the data of the fault tests: name → text. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * A person at work on a platform whose parts die: every request is repeated until it is answered, never with
 * another meaning. Each try has a new `Idempotency-Key`, so that what keeps effects single is not the key of
 * the request but those of the things themselves.
 */
export class PatientPerson {
  readonly #client: ApiClient;
  readonly #deadline: DeadlineMs;

  constructor(apiUrl: string, deadline: DeadlineMs) {
    this.#client = new ApiClient({ baseUrl: apiUrl, timeoutMs: CALL_TIMEOUT_MS });
    this.#deadline = deadline;
  }

  async startRun(given: RunGiven = {}): Promise<StartedRun> {
    const { pipeline = pipelineText(), dataSeed = DATA_SEED } = given;
    const texts = given.files ?? { [DATA_FILE]: pumpReadings(dataSeed) };
    const files: RawFile[] = [];
    for (const [name, text] of Object.entries(texts)) files.push(await this.upload(name, text));
    const body = { pipeline, files };
    return this.ask("start the run", (client) => client.post("/v1/runs", { reply: startedSchema, body }));
  }

  upload(name: string, text: string): Promise<RawFile> {
    const bytes = Buffer.from(text);
    return this.ask("upload", (client) =>
      client.putStream("/v1/uploads", {
        bytes: Readable.from([bytes]),
        length: bytes.length,
        query: { name },
        reply: rawFileSchema,
      }),
    );
  }

  /** Follows the run, approves when asked, and returns the run as it ended. */
  async finishRun(runId: string): Promise<RunView> {
    const approval = await this.untilAsked(runId);
    if (approval === undefined) return this.untilOver(runId);
    await this.decide(approval);
    return this.untilOver(runId);
  }

  /** Approves; answered once the decision is recorded. */
  decide({ id, digest }: Approval): Promise<Approval> {
    const body = { decisionId: DECISION_ID, decision: "approve", digest, by: "faults@example.com" };
    return this.ask("decide", (client) =>
      client.post(apiPath`/v1/approvals/${id}/decisions`, { reply: approvalSchema, body }),
    );
  }

  /** @returns the approval that the run waits at; undefined when it ends without one */
  async untilAsked(runId: string): Promise<Approval | undefined> {
    const view = await this.#follow(runId, (run) => isOver(run) || run.approvalId !== undefined);
    const { approvalId } = view;
    if (isOver(view) || approvalId === undefined) return undefined;
    return this.readApproval(approvalId);
  }

  /** The run as it ends, whoever decides. */
  untilOver(runId: string): Promise<RunView> {
    return this.#follow(runId, isOver);
  }

  /** The run has reached a stage. */
  async untilStage(runId: string, stage: RunStage): Promise<void> {
    await this.#follow(runId, (view) => isOver(view) || view.stages.some((row) => row.stage === stage));
  }

  cancel(runId: string): Promise<unknown> {
    return this.ask("cancel", (client) =>
      client.post(apiPath`/v1/runs/${runId}/cancel`, { reply: z.unknown() }),
    );
  }

  readApproval(id: string): Promise<Approval> {
    return this.ask("read the approval", (client) => readApproval(client, id));
  }

  #follow(runId: string, until: (view: RunView) => boolean): Promise<RunView> {
    return this.ask(
      "the end of the run",
      async (client) => {
        const view = await client.get(apiPath`/v1/runs/${runId}`, runViewSchema);
        return until(view) ? view : undefined;
      },
      isNeverFinal, // a run is not found for a moment after its start
    );
  }

  /** Asks until there is an answer; undefined, or an error that is not final, means not yet. */
  ask<T>(
    what: string,
    ask: (client: ApiClient) => Promise<T | undefined>,
    isFinal: (error: unknown) => boolean = isRefusal,
  ): Promise<T> {
    return untilAnswered(what, this.#deadline, () => ask(this.#client), { isFinal });
  }
}

/** For what is refused until it is there. */
export const isNeverFinal = (): boolean => false;

/** The API said no: asking again would not change that. Absence and `not found yet` are no refusals. */
export function isRefusal(error: unknown): boolean {
  if (!isPlatformError(error)) return false;
  return error.code !== "not_found" && !ERROR_CODES[error.code].retryable;
}
