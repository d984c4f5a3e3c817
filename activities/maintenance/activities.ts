import { hashOf } from "../../schemas/canonical-json.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import type { StoredRecommendation } from "../../stores/postgres/port/maintenance.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { answerText, dueText } from "./action-text.ts";
import { assess } from "./assessment.ts";
import { endRecommendation } from "./end-recommendation.ts";
import { DECISION_ALERT, OVERDUE_ALERT } from "./maintenance-alerts.ts";
import type {
  AssessedRecommendation,
  AssessInput,
  EndInput,
  Reason,
  RecommendationRef,
  RecommendationStanding,
  WaitsInput,
} from "./messages.ts";
import { maintainedPipelineOf } from "./policies.ts";
import { fleetReasons, tracedReasons } from "./reasons.ts";

/** What a recommendation does, step by step; its row is the truth, and each step is done once. */
export function createMaintenanceActivities(deps: ActivityDeps) {
  const { db, objects } = deps;
  const required = async (id: string): Promise<StoredRecommendation> => {
    const row = await db.recommendations.get(id);
    if (row !== undefined) return row;
    throw new PlatformError("not_found", `read recommendation [${id}]: there is none`);
  };
  return {
    /**
     * What moved the newest answer that opened it. **Effects**: none. **Heartbeat**: 1 s. **Retry**: for some minutes, as traces
     * may be stored late.
     *
     * @throws {PlatformError} not_ready; not_explainable; not_found; integrity
     */
    async explainRecommendation({ id }: RecommendationRef): Promise<{ readonly reasons: readonly Reason[] }> {
      const { evidence, latest } = await required(id);
      const answer = evidence.at(-1) ?? latest;
      const { predictionId, scoreId } = answer;
      if (predictionId !== null) return { reasons: await tracedReasons({ db, objects }, predictionId) };
      if (scoreId === null)
        throw new PlatformError(
          "not_explainable",
          `explain recommendation [${id}]: its answer has no origin`,
        );
      return withHeartbeat(async (beat) => ({
        reasons: await fleetReasons(deps, { ...answer, scoreId }, beat),
      }));
    },

    /**
     * Works out what is to be done, by when, and at what cost. **Effects**: the assessment, its audit row and the evidence of a
     * decision. **Idempotency**: the first assessment stands. **Retry**: dependency.
     */
    async assessRecommendation({
      id,
      reasons,
      reasonsMissing,
    }: AssessInput): Promise<AssessedRecommendation> {
      const row = await required(id);
      const answer = row.evidence.at(-1) ?? row.latest;
      const task = (await maintainedPipelineOf(db, row.model))?.task;
      const [asset] = await db.assets.list({ asset: row.asset, limit: 1 });
      const made = await db.registry.version(row.model, row.version);
      const assessment = assess({
        answer,
        policy: row.policy,
        task: {
          kind: task?.kind ?? "anomaly",
          ...(task !== undefined && "horizon" in task ? { horizon: task.horizon } : {}),
        },
        assetClass: asset?.assetClass ?? null,
        reasons: reasons === undefined ? null : [...reasons],
        reasonsMissing: reasonsMissing ?? null,
        calibrationError: made?.evaluation.calibration?.expectedError,
        now: Date.parse(row.openedAt),
      });
      const { mode, isCritical } = assessment;
      const stored = await db.recommendations.assess(
        id,
        assessment,
        systemAudit("recommendation.assess", `recommendation/${id}`, {
          mode,
          isCritical,
          due: assessment.due?.by,
        }),
      );
      return assessedOf(stored, await putDocument(objects, evidenceOf(stored)));
    },

    /** A person is to decide. **Effects**: state, and an alert for who decides. **Idempotency**: recommendation. */
    async awaitDecision({ id, approvalId }: WaitsInput): Promise<void> {
      await db.recommendations.waits(id, approvalId);
      const row = await required(id);
      const isCritical = row.assessment?.isCritical === true;
      await db.alerts.raise({
        key: `${DECISION_ALERT}/${id}`,
        kind: DECISION_ALERT,
        severity: isCritical ? "critical" : "warning",
        subject: `recommendation/${id}`,
        message: `${row.asset} waits for a decision on maintenance: ${row.assessment?.action ?? ""}`.slice(
          0,
          500,
        ),
        details: { model: row.model, asset: row.asset, approvers: row.policy.deciders.approvers },
      });
    },

    /** The deadline has passed. **Effects**: an alert. **Idempotency**: recommendation. */
    async tellOverdue({ id }: RecommendationRef): Promise<void> {
      const row = await required(id);
      if (row.state !== "waiting") return;
      const { onDeadline, escalateTo, approvers } = row.policy.deciders;
      const next =
        onDeadline === "escalate"
          ? `now ${escalateTo.join(", ")} may decide as well`
          : `it ends: ${onDeadline}`;
      await db.alerts.raise({
        key: `${OVERDUE_ALERT}/${id}`,
        kind: OVERDUE_ALERT,
        severity: "critical",
        subject: `recommendation/${id}`,
        message: `nobody has decided on the maintenance of ${row.asset} in time; ${next}`,
        details: { model: row.model, asset: row.asset, approvers, escalateTo },
      });
    },

    /** **Effects**: none. **Retry**: dependency. */
    async readRecommendation({ id }: RecommendationRef): Promise<RecommendationStanding> {
      const { state, recoveredAt } = await required(id);
      return { state, isRecovered: recoveredAt !== null };
    },

    /** Ends it without a work order. **Effects**: state, audit row, alerts. **Idempotency**: one that has ended stays. */
    endRecommendation: (end: EndInput): Promise<void> => endRecommendation(db, end),
  };
}

/** What the decider looks at. */
function evidenceOf({ id, model, asset, version, evidence, assessment }: StoredRecommendation): object {
  return {
    kind: "aura.maintenance-evidence/1",
    recommendation: id,
    model,
    version,
    asset,
    evidence,
    assessment,
  };
}

function assessedOf(
  row: StoredRecommendation,
  evidence: AssessedRecommendation["evidence"],
): AssessedRecommendation {
  const { id, model, version, asset, n, digest, assessment, policy } = row;
  if (assessment === null) throw new Error(`recommendation ${id}: it was not assessed`);
  const { mode, isCritical, due, costs, action, reasons } = assessment;
  const money = (amount: number) => `${Math.round(amount)} ${costs?.currency ?? ""}`.trim();
  const answer = row.evidence.at(-1) ?? row.latest;
  return {
    mode,
    isCritical,
    model,
    version,
    digest: hashOf({ recommendation: id, asset, n, version: digest }),
    subject: `maintenance of ${asset.slice(0, 100)} (${model}@${version})`,
    evidence,
    summary: [
      `do: ${action.slice(0, 500)}`,
      `answer: ${answerText(answer)}`,
      ...(due === null ? [] : [`begin by: ${dueText(due)}${due.isOverdue ? ", which is past" : ""}`]),
      ...(reasons === null
        ? []
        : [
            `moved most by: ${reasons
              .slice(0, 3)
              .map(({ feature }) => feature)
              .join(", ")}`,
          ]),
      ...(costs === null
        ? []
        : [`expected cost: acting ${money(costs.acting)}, waiting ${money(costs.waiting)}`]),
    ],
    deciders: policy.deciders,
    deadlineMs: durationMs(policy.deciders.deadline),
    reminderMs: durationMs(policy.deciders.reminder),
  };
}
