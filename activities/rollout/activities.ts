import { activityInfo, Context } from "@temporalio/activity";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { AuditEntry, Database, RolloutRow } from "../../stores/postgres/port.ts";
import type { RolloutChange } from "../../stores/postgres/port/rollouts.ts";
import { activityKey, systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type {
  LoseRolloutInput,
  OpenRolloutInput,
  RollBackInput,
  RolloutCommand,
  RolloutRef,
  RolloutView,
  WatchInput,
  WatchResult,
} from "./messages.ts";
import { borneIn, doubtOf, guardsIn } from "./doubted-champion.ts";
import { rollBackUnwatched } from "./unwatched.ts";
import { judgeQuality, QualityWatch } from "./quality.ts";
import { championBreach, nAnswered, stageCounts, StageWatch } from "./watch.ts";

/** Between two looks at a rollout. */
const LOOK_MS = 500;
/** Between two times that a look is told of. */
const TELL_MS = 5_000;

/** The recorded side of a rollout, and its watch. The rules of what may follow what are the store's. */
export function createRolloutActivities(deps: ActivityDeps) {
  const { db } = deps;
  return {
    /**
     * **Effects**: rollout row, event, alias, audit. **Idempotency**: rollout id. **Errors**: conflict: another rollout
     * of the model goes on. **Retry**: dependency.
     *
     * @returns null where there is no champion to be beside: it is promoted at once
     */
    async openRollout(input: OpenRolloutInput): Promise<RolloutView | null> {
      const { rolloutId: id, model, version, requestedBy, ...rest } = input;
      const workflowId = activityInfo().workflowExecution?.workflowId;
      if (workflowId === undefined) throw new Error("openRollout runs inside a workflow only");
      const { id: by, authenticated } = requestedBy;
      const given = { ...rest, id, model, version, workflowId };
      const row = await db.rollouts.open(
        { ...given, requestedBy: by, requesterAuthenticated: authenticated },
        systemAudit("rollout.open", `model/${model}@${version}`, { rollout: id, requestedBy: by }),
      );
      return row === undefined ? null : viewOf(row);
    },

    /** **Effects**: none. **Errors**: not_found. **Retry**: dependency. */
    async readRollout({ rolloutId }: RolloutRef): Promise<RolloutView> {
      return viewOf(await required(db, rolloutId));
    },

    /**
     * Watches one stage: returns as soon as a guard trips or somebody changed the rollout, and else goes on until it is
     * cancelled. **Heartbeat**: each second. **Effects**: the time of the look, by which those who serve know that somebody
     * watches. **Errors**: not_found. **Retry**: at once, and each 2 s at most: nobody watches meanwhile.
     */
    async watchRollout({ rolloutId, revision }: WatchInput): Promise<WatchResult> {
      const { cancellationSignal } = Context.current();
      const quality = new QualityWatch(deps);
      let watch: StageWatch | undefined;
      let toldAt = -Infinity;
      for (;;) {
        const row = await required(db, rolloutId);
        if (row.revision !== revision) return { kind: "changed" };
        // People made it champion: there is nothing left to wait for.
        if (isChampion(row)) return { kind: "enough" };
        watch ??= new StageWatch(guardsIn(row.plan.guards, await doubtOf(db, row)), row.mode);
        const counted = stageCounts(await db.rollouts.stats(rolloutId, row.stage));
        const breach = championBreach(row) ?? watch.look(counted, Date.now()) ?? quality.look(row);
        if (breach !== undefined) return { kind: "breach", breach };
        if (row.isProlonged && nAnswered(row.mode, counted) >= row.plan.minRows) return { kind: "enough" };
        if (performance.now() - toldAt > TELL_MS) {
          await db.rollouts.watched(rolloutId);
          toldAt = performance.now();
        }
        cancellationSignal.throwIfAborted();
        await Context.current().sleep(LOOK_MS);
      }
    },

    /** **Effects**: the rollout ends; event, alert, audit, NOTIFY. **Idempotency**: an end stands. */
    async rollBack({ rolloutId, breach }: RollBackInput): Promise<RolloutView> {
      const { guard, reason, details } = breach;
      return changed(db, rolloutId, { kind: "rolled_back", guard, reason, details });
    },

    /**
     * A bake is over: judges the stage once more, and goes on to the next one, longer with this one, waits for a person or
     * rolls back. **Idempotency**: the revision it was decided on.
     */
    async passStage({ rolloutId, revision }: WatchInput): Promise<RolloutView> {
      const row = await required(db, rolloutId);
      if (isChampion(row)) {
        const reason = "it was made champion by hand";
        return changed(db, rolloutId, { kind: "promoted", reason });
      }
      if (row.revision !== revision || row.state !== "running") return viewOf(row);
      const counted = stageCounts(await db.rollouts.stats(rolloutId, row.stage));
      const doubt = await doubtOf(db, row);
      const watch = new StageWatch(guardsIn(row.plan.guards, doubt), row.mode);
      const breach =
        championBreach(row) ?? watch.look(counted, Date.now()) ?? (await judgeQuality(deps, row));
      if (breach !== undefined) return changed(db, rolloutId, { kind: "rolled_back", ...breach });
      const next = nextOf(row, nAnswered(row.mode, counted));
      const borne = borneIn(row, counted, doubt);
      return changed(
        db,
        rolloutId,
        borne === undefined ? next : { ...next, reason: `${next.reason}; ${borne}` },
      );
    },

    /** The champion alias has moved. **Idempotency**: an end stands. */
    async finishRollout({ rolloutId }: RolloutRef): Promise<RolloutView> {
      return changed(db, rolloutId, { kind: "promoted", reason: "it is the champion" });
    },

    /**
     * Its workflow cannot go on, so that nobody watches. **Effects**: as `rollBack`; none without a row. **Idempotency**: an end
     * stands.
     */
    async loseRollout({ rolloutId, reason }: LoseRolloutInput): Promise<void> {
      await rollBackUnwatched(db, rolloutId, reason);
    },

    /** The run behind it was cancelled. **Idempotency**: an end stands. */
    async withdrawRollout({ rolloutId }: RolloutRef): Promise<void> {
      const row = await db.rollouts.get(rolloutId);
      if (row === undefined) return;
      const reason = "its workflow was cancelled";
      if (row.state !== "promoting") await changed(db, rolloutId, { kind: "aborted", reason });
      else await changed(db, rolloutId, { kind: "rolled_back", guard: "promotion", reason, details: {} });
    },

    /**
     * Applies what somebody sent straight to Temporal, as far as the policy lets direct messages count while keys are on.
     *
     * **Effects**: as the command; an audit row of a refusal. **Idempotency**: what fits the state no more changes nothing; a
     * refusal is recorded once. **Errors**: forbidden, not_found.
     */
    async commandRollout({ rolloutId, command, by, reason }: RolloutCommand): Promise<RolloutView> {
      const row = await required(db, rolloutId);
      const audit: AuditEntry = {
        actor: { id: by, role: "operator", authenticated: false },
        action: `rollout.${command}`,
        subject: `model/${row.model}@${row.version}`,
        outcome: "ok",
        details: { rollout: rolloutId, reason, channel: "signal" },
      };
      if ((await db.keys.isEnabled()) && !row.plan.allowDirectSignals) {
        const refusal = "direct messages are off while keys are on";
        await db.audit.append({ ...audit, outcome: "refused", reason: refusal, key: activityKey() });
        throw new PlatformError("forbidden", `${command} rollout [${rolloutId}]: ${refusal}`);
      }
      return viewOf(await db.rollouts.change(rolloutId, { kind: KIND_OF[command], reason }, audit));
    },
  };
}

const KIND_OF = { pause: "paused", continue: "continued", abort: "aborted" } as const;

/** Before its rollout came to its end: people promoted it. */
const isChampion = ({ championNow, digest }: RolloutRow): boolean => championNow === digest;

async function required({ rollouts }: Pick<Database, "rollouts">, id: string): Promise<RolloutRow> {
  const row = await rollouts.get(id);
  if (row === undefined) throw new PlatformError("not_found", `rollout [${id}]: there is none`);
  return row;
}

async function changed(db: Database, id: string, change: RolloutChange): Promise<RolloutView> {
  const { model, version } = await required(db, id);
  const details = {
    rollout: id,
    reason: change.reason,
    ...("guard" in change ? { guard: change.guard } : {}),
  };
  const audit = systemAudit(`rollout.${change.kind}`, `model/${model}@${version}`, details);
  return viewOf(await db.rollouts.change(id, change, audit));
}

/** What follows a stage that nothing speaks against. */
function nextOf(row: RolloutRow, answered: number): RolloutChange {
  const { plan, stage, revision: from } = row;
  const told = `${answered} answers`;
  if (answered < plan.minRows) {
    const reason = `${told}, expected at least ${plan.minRows}`;
    if (Date.now() - Date.parse(row.stageAt) < plan.maxBakeMs) return { kind: "prolonged", from, reason };
    if (plan.onTooFew === "pause") return { kind: "paused", from, reason };
    return { kind: "rolled_back", guard: "too_few_answers", reason, details: { answered } };
  }
  const isLast = stage === plan.stages.length - 1;
  return { kind: isLast ? "promoting" : "advanced", from, reason: told };
}

function viewOf(row: RolloutRow): RolloutView {
  const { id, state, stage, mode, share, revision, bakeUntil, championVersion, guard, reason } = row;
  return { id, state, stage, mode, share, revision, bakeUntil, championVersion, guard, reason };
}
