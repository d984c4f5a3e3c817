import type { RolloutChange, RolloutRow } from "../../port/rollouts.ts";

/** What may become of a rollout; pure, so that the rules stand in one place. */

type Changed = RolloutRow | undefined;

/**
 * What a change comes to. A version that people made champion meanwhile has arrived, whatever speaks against its rollout: the
 * rollout ends as promoted, and who wants the champion gone rolls that back.
 */
export function fittingChange(row: RolloutRow, change: RolloutChange): RolloutChange {
  const isGivenUp = change.kind === "rolled_back" || change.kind === "aborted";
  if (!isGivenUp || row.championNow !== row.digest) return change;
  return { kind: "promoted", reason: `it is the champion already (${change.reason})`.slice(0, 2_000) };
}

/**
 * The row after a change; undefined where the change does not fit: the rollout is over, stands at another revision, or
 * is not in a state for it.
 *
 * @param nowMs the database's clock
 */
export function afterChange(row: RolloutRow, change: RolloutChange, nowMs: number): Changed {
  if (row.endedAt !== null) return undefined;
  if ("from" in change && change.from !== undefined && change.from !== row.revision) return undefined;
  const next = { ...row, revision: row.revision + 1, reason: change.reason };
  switch (change.kind) {
    case "advanced":
      return row.state === "running" ? advanced(next, nowMs) : undefined;
    case "prolonged":
      return row.state === "running" ? prolonged(next, nowMs) : undefined;
    case "paused":
      return row.state === "running" ? paused(next, nowMs) : undefined;
    case "continued":
      return row.state === "paused" ? continued(next, nowMs) : undefined;
    case "promoting":
      return row.state === "running" ? { ...next, state: "promoting", bakeUntil: null } : undefined;
    case "promoted":
      return ended(next, "promoted", nowMs);
    case "aborted":
      return row.state === "promoting" && change.isForced !== true
        ? undefined
        : ended(next, "aborted", nowMs);
    case "rolled_back":
      return { ...ended(next, "rolled_back", nowMs), guard: change.guard };
  }
}

function advanced(row: RolloutRow, nowMs: number): Changed {
  const stage = row.plan.stages[row.stage + 1];
  if (stage === undefined) return undefined;
  return {
    ...row,
    stage: row.stage + 1,
    mode: stage.mode,
    share: stage.share,
    stageAt: isoOf(nowMs),
    isProlonged: false,
    bakeUntil: isoOf(nowMs + stage.bakeMs),
  };
}

/** As long again as it has lasted, so that looks stay few however long nobody asks; at most up to `maxBake`. */
function prolonged(row: RolloutRow, nowMs: number): RolloutRow {
  const began = Date.parse(row.stageAt);
  const until = nowMs + Math.max(bakeOf(row), nowMs - began);
  return {
    ...row,
    isProlonged: true,
    bakeUntil: isoOf(Math.max(nowMs, Math.min(until, began + row.plan.maxBakeMs))),
  };
}

/** Its bake stands still: what is left of it counts from when it goes on. A bake that is over begins anew. */
function paused(row: RolloutRow, nowMs: number): RolloutRow {
  const left = row.bakeUntil === null ? 0 : Date.parse(row.bakeUntil) - nowMs;
  return { ...row, state: "paused", bakeUntil: null, remainingMs: left > 0 ? left : bakeOf(row) };
}

function continued(row: RolloutRow, nowMs: number): RolloutRow {
  const bakeUntil = isoOf(nowMs + (row.remainingMs ?? bakeOf(row)));
  return { ...row, state: "running", bakeUntil, remainingMs: null };
}

function ended(row: RolloutRow, state: RolloutRow["state"], nowMs: number): RolloutRow {
  return { ...row, state, bakeUntil: null, remainingMs: null, endedAt: isoOf(nowMs) };
}

function bakeOf({ plan, stage }: RolloutRow): number {
  return plan.stages[stage]?.bakeMs ?? 0;
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
