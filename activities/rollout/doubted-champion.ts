import type { RolloutGuards } from "../../schemas/pipeline/rollout.ts";
import type { Database, RolloutRow } from "../../stores/postgres/port.ts";
import { judge } from "./guards.ts";
import type { StageCounts } from "./watch.ts";

/** What said that the champion is not right any more, and had the new version trained. */
export type Doubt = "drift" | "degradation";

/** Retrains of a model that are looked at: the rollout's is among the newest. */
const MOST_RETRAINS = 50;

/**
 * Why the champion of a rollout is itself in doubt; undefined: it is not, or the file wants it to be the measure nevertheless.
 *
 * A version that was trained because the world has changed answers otherwise than one that has not seen the change. That
 * it does speaks for it as much as against it: its gates, its holdout and labels have to tell.
 */
export async function doubtOf(
  { retrains }: Pick<Database, "retrains">,
  { model, runId, plan }: Pick<RolloutRow, "model" | "runId" | "plan">,
): Promise<Doubt | undefined> {
  if (runId === null || plan.guards.afterDrift === "judge") return undefined;
  const all = await retrains.list({ model, limit: MOST_RETRAINS });
  const trigger = all.find((retrain) => retrain.runId === runId)?.trigger;
  return trigger === "drift" || trigger === "degradation" ? trigger : undefined;
}

/** The guards without those that have the champion's answers as their measure. */
export function guardsIn(guards: RolloutGuards, doubt: Doubt | undefined): RolloutGuards {
  return doubt === undefined ? guards : { ...guards, scoreShift: false, disagreement: false };
}

/** What those would have said of a stage, for its record; undefined: nothing. */
export function borneIn(
  { mode, plan: { guards } }: Pick<RolloutRow, "mode" | "plan">,
  counted: StageCounts,
  doubt: Doubt | undefined,
): string | undefined {
  if (doubt === undefined) return undefined;
  const onlyThose = {
    ...guards,
    errorRate: false,
    nonFinite: false,
    latency: false,
    quality: false,
  } as const;
  const breach = judge({ mode, ...counted }, onlyThose);
  return breach && `borne after ${doubt} [${breach.guard}]: ${breach.reason}`;
}
