import { send } from "../../alerting/channels/send.ts";
import type { ToldAlert } from "../../alerting/channels/told-alert.ts";
import { channelsFor } from "../../alerting/routing.ts";
import { silenceOf } from "../../alerting/silences.ts";
import type { ChannelTest } from "../../schemas/alerts/alert-channel.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { AuditEntry } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type {
  AlarmPhaseInput,
  AlertWordInput,
  DeliverInput,
  FailDeliveryInput,
  OpenDeliveriesInput,
  OpenedDeliveries,
  RemindInput,
  TestChannelInput,
} from "./messages.ts";

type AlarmDeps = Pick<ActivityDeps, "db" | "alerting">;

/** What an alarm does: it tells channels, reminds, and records what people say through Temporal. */
export function createAlarmActivities({ db, alerting }: AlarmDeps) {
  return {
    /**
     * Settles who is told of an event; under a silence nobody. **Effects**: a delivery row for each channel. **Idempotency**:
     * (event, channel).
     * **Retry**: dependency.
     */
    async openDeliveries({ eventId }: OpenDeliveriesInput): Promise<OpenedDeliveries> {
      const event = await db.alertDeliveries.event(eventId);
      if (event?.alert == null) return { deliveries: [], alertState: null };
      const rule = event.rule === null ? undefined : await db.alertRules.get(event.rule);
      const channels = channelsFor({
        event: event.kind,
        alert: event.alert,
        rule: rule?.document,
        channels: (await db.alertChannels.list()).map(({ document }) => document),
        told: await db.alertDeliveries.channelsOf(event.alert.id),
      });
      // Who was told before hears of the end, silence or not.
      const silence =
        event.kind === "cleared"
          ? undefined
          : silenceOf(
              event.alert,
              (await db.alertSilences.list()).map(({ document }) => document),
              Date.now(),
            );
      const rows = await db.alertDeliveries.open(eventId, channels, silence?.name);
      const now = await db.alerts.get(event.alert.id);
      return {
        deliveries: rows
          .filter(({ state }) => state !== "silenced")
          .map(({ id, channel }) => ({ id, channel })),
        alertState: now?.state ?? "cleared",
      };
    },

    /**
     * Tells a channel. **Effects**: outside; the row says how it went. **Idempotency**: a settled delivery is not sent again;
     * one whose answer was lost is sent with the same key. **Retry**: for a day.
     *
     * @throws {PlatformError} channel_unavailable
     */
    async deliverAlert({ deliveryId }: DeliverInput): Promise<void> {
      const delivery = await db.alertDeliveries.get(deliveryId);
      if (delivery === undefined || delivery.state !== "waiting") return;
      const event = await db.alertDeliveries.event(delivery.eventId);
      const channel = await db.alertChannels.get(delivery.channel);
      if (event?.alert == null || channel === undefined) {
        const reason = "there is no such channel";
        await db.alertDeliveries.attempted(deliveryId, { state: "failed", status: null, reason });
        return;
      }
      const told = {
        idempotencyKey: `alert-delivery/${deliveryId}`,
        event: event.kind,
        at: event.at,
        alert: event.alert,
      };
      const attempt = await send(told, channel.document.to, alerting).catch((error: unknown) => {
        if (isPlatformError(error))
          return { outcome: "unavailable", status: null, reason: error.message } as const;
        throw error;
      });
      const state = ({ delivered: "delivered", refused: "failed", unavailable: "waiting" } as const)[
        attempt.outcome
      ];
      const reason = attempt.outcome === "delivered" ? null : attempt.reason;
      await db.alertDeliveries.attempted(deliveryId, { state, status: attempt.status, reason });
      if (state === "waiting")
        throw new PlatformError("channel_unavailable", `tell channel ${delivery.channel}: ${reason ?? ""}`);
    },

    /**
     * Tells a channel that it works. **Effects**: outside. **Idempotency**: none needed. **Retry**: never, the answer is what is
     * asked for.
     *
     * @throws {PlatformError} not_found
     */
    async testChannel({ channel: name, by }: TestChannelInput): Promise<ChannelTest> {
      const channel = await db.alertChannels.get(name);
      if (channel === undefined)
        throw new PlatformError("not_found", `test channel ${name}: there is no such channel`);
      const attempt = await send(testOf(name, by), channel.document.to, alerting).catch((error: unknown) => {
        if (isPlatformError(error))
          return { outcome: "unavailable", status: null, reason: error.message } as const;
        throw error;
      });
      return { channel: name, reason: null, ...attempt };
    },

    /** Gives a delivery up. **Idempotency**: a settled one stays. **Retry**: dependency. */
    async failDelivery({ deliveryId, reason }: FailDeliveryInput): Promise<void> {
      const delivery = await db.alertDeliveries.get(deliveryId);
      const status = delivery?.status ?? null;
      await db.alertDeliveries.attempted(deliveryId, {
        state: "failed",
        status,
        reason: delivery?.reason ?? reason,
      });
    },

    /** Tells again of an open alert. **Effects**: event row. **Idempotency**: (alert, kind, nth). **Retry**: dependency. */
    async remindAlert({ alertId, kind, nth }: RemindInput): Promise<{ eventId: number | null }> {
      return { eventId: (await db.alerts.remind(alertId, kind, nth)) ?? null };
    },

    /** How the evaluator has it. **Effects**: none. **Retry**: dependency. */
    async readAlarmPhase({ rule, asset }: AlarmPhaseInput): Promise<{ phase: string }> {
      return { phase: await db.alertEvaluation.phaseOf(rule, asset) };
    },

    /** **Effects**: alert, event and audit rows. **Idempotency**: the first to say so stays. **Retry**: dependency. */
    async acknowledgeAlert({ alertId, by, comment }: AlertWordInput): Promise<void> {
      const said = { name: by, ...(comment === undefined ? {} : { comment }) };
      await db.alerts.acknowledge(alertId, said, wordOf("alert.acknowledge", alertId, by));
    },

    /** **Effects**: alert, state, event and audit rows. **Idempotency**: a cleared one stays. **Retry**: dependency. */
    async clearAlert({ alertId, by }: AlertWordInput): Promise<void> {
      await db.alerts.clear(alertId, wordOf("alert.clear", alertId, by));
    },
  };
}

/** An alert that no rule raised and nobody has to look at. */
function testOf(channel: string, by: string): ToldAlert {
  const at = new Date().toISOString();
  return {
    idempotencyKey: `alert-channel-test/${channel}/${at}`,
    event: "raised",
    at,
    alert: {
      id: 0,
      kind: "test",
      severity: "info",
      subject: `alert-channel/${channel}`,
      message: `test of channel ${channel}, asked for by ${by}: nothing is wrong`,
      details: {},
      state: "raised",
      rule: null,
      asset: null,
      labels: {},
      raisedAt: at,
      acknowledgedBy: null,
      acknowledgedAt: null,
      comment: null,
      resolvedAt: null,
    },
  };
}

/** Whoever can reach Temporal can say so under any name. */
function wordOf(action: string, alertId: number, by: string): AuditEntry {
  return {
    actor: { id: by, role: "operator", authenticated: false },
    action,
    subject: `alert/${alertId}`,
    outcome: "ok",
    details: { via: "temporal" },
  };
}
