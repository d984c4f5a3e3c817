import { z } from "zod";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { PlatformError } from "../../schemas/platform-error.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import type { ImportSignature } from "../../schemas/models/model-import.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import type { Connection } from "../connection.ts";
import type { CliContext } from "../context.ts";
import { decide, readApproval } from "./approval.ts";
import type { Approval, Decision } from "./approval.ts";
import { showApproval } from "./approval-card.ts";
import { askDecision, personHere } from "./ask-decision.ts";
import { followRun, isOver, patient } from "./follow-run.ts";
import type { LocalFile } from "./local-files.ts";
import { StageProgress } from "./stage-progress.ts";
import { startWithFiles } from "./upload.ts";

/** A model from elsewhere that takes the place of training. */
export interface ImportRequest {
  readonly model: string;
  readonly onnx: LocalFile;
  readonly signature: ImportSignature;
}

export interface RunRequest {
  /** Text of the pipeline file, already checked; absent: an import is judged on what the champion was. */
  readonly text?: string;
  readonly imported?: ImportRequest;
  readonly files: readonly LocalFile[];
  /** Approves as this person without asking. */
  readonly approveAs?: string;
  /** False: returns as soon as the run has started. */
  readonly wait: boolean;
}

const startedSchema = z.looseObject({ runId: z.string(), workflowId: z.string(), isNew: z.boolean() });

/**
 * Starts a run, or finds the same one, and follows it to its end or to the approval that nobody here decides.
 *
 * @returns the run as it stands then: finished, failed, cancelled, or waiting
 * @throws {PlatformError} what the API refuses; a run that fails is returned, not thrown
 */
export async function executeRun(
  context: CliContext,
  connection: Connection,
  request: RunRequest,
): Promise<RunView> {
  const { output } = context;
  const { client, signal } = connection;
  const { runId, isNew } = await start(client, output, request);
  output.note(
    isNew ? `run ${runId}` : `run ${runId}: the same pipeline file on the same data was started before`,
  );
  if (!request.wait)
    return patient(() => client.get(apiPath`/v1/runs/${runId}`, runViewSchema), { signal })();
  try {
    return await followAndDecide(context, connection, { runId, approveAs: request.approveAs });
  } catch (error) {
    if (signal.aborted) output.note(afterInterruption(runId, connection.isOwn));
    throw error;
  }
}

function start(
  client: ApiClient,
  output: CliContext["output"],
  { text, files, imported }: RunRequest,
): Promise<z.infer<typeof startedSchema>> {
  const pipeline = text === undefined ? {} : { pipeline: text };
  if (imported === undefined)
    return startWithFiles(files, { client, output }, (raw) =>
      client.post("/v1/runs", { reply: startedSchema, body: { ...pipeline, files: raw } }),
    );
  const { model, onnx, signature } = imported;
  return startWithFiles([...files, onnx], { client, output }, (raw) =>
    client.post(apiPath`/v1/models/${model}/imports`, {
      reply: startedSchema,
      body: { ...pipeline, files: raw.slice(0, -1), onnx: raw.at(-1), signature },
    }),
  );
}

/** Ctrl-C ends the command; the run is the platform's. */
function afterInterruption(runId: string, isOwn: boolean): string {
  const goesOn = isOwn ? "goes on at the next start (`aura up`, or the same `aura run`)" : "goes on";
  return `the run itself is not ended and ${goesOn}; \`aura runs cancel ${runId}\` ends it`;
}

async function followAndDecide(
  context: CliContext,
  connection: Connection,
  { runId, approveAs }: { readonly runId: string; readonly approveAs: string | undefined },
): Promise<RunView> {
  const { client, signal } = connection;
  const progress = new StageProgress(context.output);
  const onView = (view: RunView) => progress.update(view);
  const onAway = (error: PlatformError) => progress.away(error);
  const view = await followRun(client, runId, { signal, onView, onAway, until: isAsked });
  if (isOver(view)) return view;
  const mayEnd = await decideHere(context, connection, { view, approveAs });
  if (!mayEnd) return view;
  return followRun(client, runId, { signal, onView, onAway });
}

function isAsked(view: RunView): boolean {
  return view.status === "waiting" && view.approvalId !== undefined;
}

/** @returns whether the approval is decided, so that the run goes on by itself */
async function decideHere(
  context: CliContext,
  connection: Connection,
  { view, approveAs }: { readonly view: RunView; readonly approveAs: string | undefined },
): Promise<boolean> {
  const { client, apiUrl, temporalUiUrl, signal } = connection;
  // The run names its approval a moment before the approval's own workflow has opened it.
  const approval = await patient(() => readApproval(client, view.approvalId ?? ""), { signal })();
  if (approval.state !== "waiting") return true;
  showApproval(context.output, approval, {
    apiUrl,
    ...(temporalUiUrl === undefined ? {} : { temporalUiUrl }),
    ...(view.evaluation === undefined ? {} : { evaluation: view.evaluation }),
  });
  const decision =
    approveAs === undefined
      ? await askUnlessDecided(context, connection, { view, approval })
      : ({ decision: "approve", by: approveAs, reason: "approved on the command line" } as const);
  if (decision === "elsewhere") return true;
  if (decision === null) return false;
  return sendDecision(context, connection, { approval, decision });
}

/** Asks here, where there is a terminal, until somebody has decided elsewhere. */
async function askUnlessDecided(
  { isInteractive, output }: CliContext,
  { client, signal }: Connection,
  { view, approval }: { readonly view: RunView; readonly approval: Approval },
): Promise<Decision | null | "elsewhere"> {
  if (!isInteractive) return null;
  const asking = new AbortController();
  const isDecided = (now: RunView) => now.status !== "waiting" || now.approvalId !== approval.id;
  const either = AbortSignal.any([asking.signal, signal]);
  const elsewhere = followRun(client, view.runId, { signal: either, until: isDecided }).then(
    () => "elsewhere" as const,
  );
  try {
    return await Promise.race([askDecision(personHere(), either), elsewhere]);
  } finally {
    asking.abort();
    await elsewhere.then(
      () => output.note("decided elsewhere"),
      () => undefined,
    );
  }
}

async function sendDecision(
  { output }: CliContext,
  { client }: Connection,
  { approval, decision }: { readonly approval: Approval; readonly decision: Decision },
): Promise<boolean> {
  try {
    const decided = await decide(client, approval, decision);
    const word = decision.decision === "approve" ? "approved" : "rejected";
    output.note(`${word} by ${decided.decisions.at(-1)?.by ?? decision.by}`);
    if (decided.state !== "waiting") return true;
    const given = decided.decisions.filter((one) => one.decision === "approve").length;
    output.note(`${given} of ${decided.policy.quorum} approvals given; it waits for the others`);
    return false;
  } catch (error) {
    if (!isPlatformError(error) || error.code !== "already_decided") throw error;
    output.warn(error.message);
    return true;
  }
}
