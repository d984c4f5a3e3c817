import { sendWorkOrder } from "../../alerting/channels/work-order.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import type { StoredRecommendation } from "../../stores/postgres/port/maintenance.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { answerText, dueText } from "./action-text.ts";
import { assess } from "./assessment.ts";
import type {
  AssessedRecommendation,
  AssessInput,
  EndInput,
  FailOrderInput,
  MakeOrderInput,
  OrderRef,
  OrderStanding,
  Reason,
  RecommendationRef,
  RecommendationStanding,
  SettledOrder,
  WaitsInput,
} from "./messages.ts";
import { outcomeLabel } from "./outcome-label.ts";
import { maintainedPipelineOf } from "./policies.ts";
import { fleetReasons, tracedReasons } from "./reasons.ts";

/** Kinds of the alerts that tell people of recommendations. */
const DECISION_ALERT = "maintenance_decision";
const OVERDUE_ALERT = "maintenance_overdue";
const UNDELIVERED_ALERT = "work_order_undelivered";

/** What a recommendation does, step by step; its row is the truth, and each step is done once. */
export function createMaintenanceActivities(deps: ActivityDeps) {
  const { db, objects, alerting } = deps;
  const required = async (id: string): Promise<StoredRecommendation> => {
    const row = await db.recommendations.get(id);
    if (row !== undefined) return row;
    throw new PlatformError("not_found", `read recommendation [${id}]: there is none`);
  };
  const requiredOrder = async (id: string) => {
    const order = await db.workOrders.get(id);
    if (order !== undefined) return order;
    throw new PlatformError("not_found", `read work order [${id}]: there is none`);
  };
  return {
    /**
     * What moved the newest answer that opened it. **Effects**: none. **Heartbeat**: 1 s. **Retry**: for some minutes, as traces
     * are stored some seconds after their answers.
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
    async endRecommendation({ id, state, decidedBy }: EndInput): Promise<void> {
      const subject = `recommendation/${id}`;
      await db.recommendations.end(id, state, systemAudit(`recommendation.${state}`, subject, { decidedBy }));
      await resolveAlerts(db, id);
    },

    /** **Effects**: work order, state, audit row, alerts. **Idempotency**: recommendation. **Retry**: dependency. */
    async makeWorkOrder({ id, decidedBy, approvalId }: MakeOrderInput): Promise<OrderRef> {
      const row = await required(id);
      const [asset] = await db.assets.list({ asset: row.asset, limit: 1 });
      const { assessment, model, version } = row;
      if (assessment === null) throw new Error(`recommendation ${id}: it was not assessed`);
      const workOrderId = `wo.${id}`;
      const { action, isCritical, due, reasons, costs } = assessment;
      await db.workOrders.make(
        {
          id: workOrderId,
          recommendationId: id,
          channel: row.policy.channel ?? null,
          document: {
            kind: "aura.work-order/1",
            id: workOrderId,
            recommendation: id,
            model,
            version,
            asset: row.asset,
            site: asset?.site ?? null,
            action,
            isCritical,
            due,
            reasons,
            costs,
            predictionIds: row.evidence.flatMap(({ predictionId }) => predictionId ?? []),
            decidedBy: [...decidedBy],
            events: `/v1/work-orders/${workOrderId}/events`,
          },
        },
        systemAudit("work_order.create", `work-order/${workOrderId}`, {
          recommendation: id,
          decidedBy,
          approval: approvalId ?? null,
        }),
      );
      await resolveAlerts(db, id);
      return { workOrderId };
    },

    /** **Effects**: none. **Retry**: dependency. */
    async readWorkOrder({ workOrderId }: OrderRef): Promise<OrderStanding> {
      const { state, channel } = await requiredOrder(workOrderId);
      return { workOrderId, state, isToSend: state === "created" && channel !== null };
    },

    /**
     * Sends it to its channel. **Effects**: outside; the row says how it went. **Idempotency**: one that was sent is not sent
     * again; one whose answer was lost is sent with the same key. **Retry**: for a day.
     *
     * @throws {PlatformError} channel_unavailable
     */
    async deliverWorkOrder({ workOrderId }: OrderRef): Promise<void> {
      const { state, channel: name, document, createdAt } = await requiredOrder(workOrderId);
      if (state !== "created" || name === null) return;
      const subject = `work-order/${workOrderId}`;
      const channel = await db.alertChannels.get(name);
      if (channel === undefined) {
        const reason = `there is no channel ${name}; declare it with \`aura alerts channels put\` and send it again`;
        const attempt = { state: "undelivered", status: null, reason } as const;
        await db.workOrders.attempted(
          workOrderId,
          attempt,
          systemAudit("work_order.undelivered", subject, { reason }),
        );
        return tellUndelivered(db, workOrderId, reason);
      }
      const told = { idempotencyKey: subject, at: createdAt, workOrder: document };
      const attempt = await sendWorkOrder(told, channel.document.to, alerting).catch((error: unknown) => {
        if (isPlatformError(error))
          return { outcome: "unavailable", status: null, reason: error.message } as const;
        throw error;
      });
      const reason = attempt.outcome === "delivered" ? null : attempt.reason;
      const next = ({ delivered: "sent", refused: "undelivered", unavailable: "created" } as const)[
        attempt.outcome
      ];
      const audit = systemAudit(`work_order.${next}`, subject, {
        channel: name,
        status: attempt.status,
        reason,
      });
      await db.workOrders.attempted(workOrderId, { state: next, status: attempt.status, reason }, audit);
      if (next === "undelivered") await tellUndelivered(db, workOrderId, reason ?? "");
      if (next === "created")
        throw new PlatformError("channel_unavailable", `send work order to ${name}: ${reason ?? ""}`);
    },

    /** Gives sending up. **Idempotency**: one that was sent stays so. **Retry**: dependency. */
    async failWorkOrder({ workOrderId, reason }: FailOrderInput): Promise<void> {
      const order = await requiredOrder(workOrderId);
      if (order.state !== "created") return;
      const why = order.reason ?? reason;
      const audit = systemAudit("work_order.undelivered", `work-order/${workOrderId}`, { reason: why });
      await db.workOrders.attempted(
        workOrderId,
        { state: "undelivered", status: order.status, reason: why },
        audit,
      );
      await tellUndelivered(db, workOrderId, why);
    },

    /**
     * The outcome becomes a label, and the recommendation is closed. **Effects**: label, state, audit rows. **Idempotency**: the
     * label has the order's id. **Retry**: dependency.
     */
    async settleWorkOrder({ workOrderId }: OrderRef): Promise<SettledOrder> {
      const order = await requiredOrder(workOrderId);
      const { outcome } = order;
      if (outcome === null)
        throw new PlatformError("not_ready", `settle work order [${workOrderId}]: it is not closed`);
      const { latest } = await required(order.recommendationId);
      const label = outcomeLabel(order, outcome, latest);
      const subject = `work-order/${workOrderId}`;
      const kept =
        label === undefined
          ? undefined
          : (await db.labels.add([label], systemAudit("label.add", subject, { outcome: outcome.result }))).at(
              0,
            );
      // One that contradicts another is kept and listed as such; a refused one is not there.
      const labelId = kept === undefined || kept.outcome === "refused" ? null : kept.id;
      const details = {
        recommendation: order.recommendationId,
        outcome: outcome.result,
        label: labelId,
        ...(kept === undefined ? {} : { labelled: kept.outcome }),
        ...(kept?.outcome === "refused" ? { reason: kept.reason } : {}),
      };
      await db.workOrders.settle(workOrderId, labelId, systemAudit("work_order.settle", subject, details));
      await db.alerts.resolve(UNDELIVERED_ALERT, subject);
      return { workOrderId, outcome: outcome.result, label: labelId === null ? null : (label?.kind ?? null) };
    },
  };
}

async function resolveAlerts(db: ActivityDeps["db"], id: string): Promise<void> {
  for (const kind of [DECISION_ALERT, OVERDUE_ALERT]) await db.alerts.resolve(kind, `recommendation/${id}`);
}

async function tellUndelivered(db: ActivityDeps["db"], workOrderId: string, reason: string): Promise<void> {
  await db.alerts.raise({
    key: `${UNDELIVERED_ALERT}/${workOrderId}`,
    kind: UNDELIVERED_ALERT,
    severity: "critical",
    subject: `work-order/${workOrderId}`,
    message: `work order ${workOrderId} reached nobody: ${reason}`.slice(0, 500),
  });
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
