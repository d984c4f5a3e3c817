import { sendWorkOrder } from "../../alerting/channels/work-order.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { resolveAlerts, tellUndelivered, UNDELIVERED_ALERT } from "./maintenance-alerts.ts";
import type { FailOrderInput, MakeOrderInput, OrderRef, OrderStanding, SettledOrder } from "./messages.ts";
import { outcomeLabel } from "./outcome-label.ts";

type OrderDeps = Pick<ActivityDeps, "db" | "alerting">;

/** What a work order does: it is made, sent, and its outcome becomes a label. */
export function createOrderActivities({ db, alerting }: OrderDeps) {
  const required = async (id: string) => {
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
