import { WorkflowNotFoundError } from "@temporalio/client";
import type { Retraining } from "../../schemas/pipeline/retraining.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Retrain, RetrainTrigger } from "../../schemas/runs/retrain.ts";
import { storePipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { StoredPipelineInput } from "../../stores/objects/pipeline-input.ts";
import type { Database, Refused, VersionRow } from "../../stores/postgres/port.ts";
import { retrainWorkflowId } from "../../temporal-config/constants.ts";
import { activityKey, SYSTEM_ACTOR, systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Requester } from "../runs/messages.ts";
import type { RetrainAsk, RetrainDue, RetrainFinish, RetrainInput } from "./messages.ts";
import { standingPipeline } from "./standing-pipeline.ts";

/** A retrain that was asked for has a workflow within seconds; one without after this long will not get one any more. */
const LOST_AFTER_MS = 300_000;

/** Which of the triggers the pipeline file wants; a person may always ask. */
const IS_WANTED: Readonly<Record<RetrainTrigger, (retraining: Retraining) => boolean>> = {
  manual: () => true,
  schedule: ({ schedule }) => schedule !== undefined,
  drift: ({ onDrift }) => onDrift,
  degradation: ({ onDegradation }) => onDegradation,
  labels: ({ newLabels }) => newLabels !== undefined,
};

/** Models trained anew: when one is due, from what, and what became of it. */
export function createRetrainingActivities(deps: Pick<ActivityDeps, "db" | "objects" | "temporal">) {
  const { db, objects } = deps;
  return {
    /**
     * Whether a retrain is due now, and its window; it is open from then on. Everything that may start one asks here.
     *
     * **Effects**: retrain row with its audit row, or a counted refusal. **Idempotency**: the activity itself; one open
     * retrain per model, one per model and window, by the database's keys. **Retry**: dependency.
     */
    async retrainDue(ask: RetrainAsk): Promise<RetrainDue> {
      const { model, trigger, at, detail, requestedBy = { id: SYSTEM_ACTOR.id, authenticated: true } } = ask;
      const requestKey = activityKey();
      const champion = await db.registry.champion(model);
      if (champion === undefined) {
        const message = `${model} has no champion that could be trained anew`;
        return refuse(
          deps,
          { model, trigger, requestKey },
          { code: "no_champion", message, possibleAt: null },
        );
      }
      const { retraining } = (await standingPipeline(db, champion)).pipeline;
      if (!IS_WANTED[trigger](retraining)) {
        const message = `the pipeline file of ${model} starts no retrain by ${trigger}`;
        return refuse(deps, { model, trigger, requestKey }, { code: "off", message, possibleAt: null });
      }
      if (trigger === "labels") {
        const few = await fewLabels(deps, champion, retraining);
        // Not an alarm that is refused, but one that is not raised yet.
        if (few !== undefined) return { isDue: false, refused: few };
      }
      await closeLost(deps, model);
      const coolDownMs = durationMs(retraining.coolDown);
      const isByHand = ask.skipCoolDown === true;
      const isOwnTime = trigger === "manual" || trigger === "schedule";
      const window = isOwnTime ? at : windowOf(at, coolDownMs);
      const audit = systemAudit("retrain.ask", `model/${model}`, { window, trigger, detail });
      const answer = await db.retrains.ask(
        {
          model,
          trigger,
          window,
          reason: detail,
          requestedBy,
          requestKey,
          coolDownMs: isByHand ? 0 : coolDownMs,
          ...(trigger === "schedule" ? { tick: at } : {}),
        },
        ask.requestedBy === undefined ? audit : { ...audit, actor: { ...requestedBy, role: "operator" } },
      );
      return "refused" in answer
        ? { isDue: false, refused: answer.refused }
        : { isDue: true, window: answer.window };
    },

    /**
     * A retrain begins: it is open from now on, whoever started it.
     *
     * **Effects**: retrain row, audit row. **Idempotency**: (model, window). **Errors**: no_champion, conflict where another
     * retrain of the model is open or this one is over. **Retry**: dependency.
     */
    async beginRetrain({ model, window, reason }: RetrainInput): Promise<void> {
      await begin(db, { model, window, reason });
    },

    /**
     * The newest files of the pipeline as the input of a run: those of the last run that stands, with every file that was
     * added since; a file of the same name replaces the older one. Those made of live readings come beside all earlier ones.
     *
     * **Effects**: retrain row, audit row, documents. **Idempotency**: (model, window); content. **Errors**: no_champion,
     * conflict where another retrain of the model is open. **Retry**: dependency.
     */
    async prepareRetrain(
      input: RetrainInput,
    ): Promise<{ pipelineInput: StoredPipelineInput; inputHash: string }> {
      const { model, window, reason } = input;
      const { champion, requestedBy } = await begin(db, { model, window, reason });
      const { pipeline, text, files } = await standingPipeline(db, champion);
      const byName = new Map(files.map((file) => [file.name, file]));
      for (const file of await db.datasets.pipelineFiles(pipeline.name)) byName.set(file.name, file);
      for (const file of input.live ?? []) byName.set(file.name, file);
      const stored = await storePipelineInput(objects, {
        text,
        files: [...byName.values()],
        // Whoever asked for it may not approve what comes of it.
        requestedBy,
        scheduleKey: `retrain/${window}`,
        isRetrain: true,
      });
      return { pipelineInput: stored.input, inputHash: stored.inputHash };
    },

    /** **Effects**: the retrain's end, with its audit row. **Idempotency**: the first end stands. **Retry**: dependency. */
    async finishRetrain({ model, window, ...end }: RetrainFinish): Promise<void> {
      const audit = systemAudit("retrain.finish", `model/${model}`, { window, ...end });
      await db.retrains.finish({ model, window }, end, audit);
    },
  };
}

/** Opens the record of a retrain, once. */
async function begin(
  { registry, retrains }: Pick<Database, "registry" | "retrains">,
  { model, window, reason }: RetrainInput,
): Promise<{ readonly champion: VersionRow; readonly requestedBy: Requester }> {
  const champion = await registry.champion(model);
  if (champion === undefined)
    throw new PlatformError("no_champion", `retrain [${model}]: there is no run to repeat`);
  const audit = systemAudit("retrain.start", `model/${model}`, { window, reason });
  return { champion, requestedBy: await retrains.begin({ model, window, reason }, audit) };
}

async function refuse(
  { db }: Pick<ActivityDeps, "db">,
  request: { readonly model: string; readonly trigger: RetrainTrigger; readonly requestKey: string },
  refused: Refused,
): Promise<RetrainDue> {
  await db.retrains.refuse(request, refused);
  return { isDue: false, refused };
}

async function fewLabels(
  { db }: Pick<ActivityDeps, "db">,
  { model, version }: Pick<VersionRow, "model" | "version">,
  { newLabels = 1 }: Retraining,
): Promise<Refused | undefined> {
  const n = await db.retrains.newLabels(model, version);
  if (n >= newLabels) return undefined;
  return { code: "few_labels", message: `${n} of ${newLabels} new labels of ${model}`, possibleAt: null };
}

/** Start of the cool-down slot that holds `at`: one retrain per slot, whatever repeats the alarm. */
function windowOf(at: string, coolDownMs: number): string {
  return new Date(Math.floor(Date.parse(at) / coolDownMs) * coolDownMs).toISOString();
}

/**
 * Ends the record of a retrain whose workflow was terminated, or that was never started as whoever asked for it was: else it
 * would be in the way for ever.
 */
async function closeLost(
  { db, temporal }: Pick<ActivityDeps, "db" | "temporal">,
  model: string,
): Promise<void> {
  const open = await db.retrains.open(model);
  if (open === undefined || Date.now() - Date.parse(open.askedAt) < LOST_AFTER_MS) return;
  if (await isRunning({ temporal }, open)) return;
  const { window } = open;
  const end = { state: "failed", message: "its workflow is over and has not said how it ended" } as const;
  await db.retrains.finish(
    { model, window },
    end,
    systemAudit("retrain.finish", `model/${model}`, { window, ...end }),
  );
}

async function isRunning(
  { temporal }: Pick<ActivityDeps, "temporal">,
  { model, window }: Retrain,
): Promise<boolean> {
  try {
    const { status } = await temporal.workflow.getHandle(retrainWorkflowId(model, window)).describe();
    return status.name === "RUNNING";
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
