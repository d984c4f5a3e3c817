import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import type { AlertRule } from "../schemas/alerts/alert-rule.ts";
import { silenceOf } from "../alerting/silences.ts";
import { spanMs } from "../schemas/live/source.ts";
import type { AlertEventRow } from "../stores/postgres/port/alerting.ts";
import type { Database } from "../stores/postgres/port.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { alarmReplayWorkflowId, alarmWorkflowId, TASK_QUEUES } from "../temporal-config/constants.ts";
import type { AlarmEventSignal, AlarmInput } from "../workflows/alarm/messages.ts";
import { ServerCalls } from "./server-calls.ts";

const EVENTS = 200;
const REPLAYS = 50;
const PRUNE_EVERY_MS = 3_600_000;
const LOOK_EVERY_MS = 1_000;
const SILENCES_EVERY_MS = 2_000;
/** A pending alarm is looked at when it should have been decided, and so much later. */
const SETTLE_GRACE_MS = 30_000;
/** Of a silence whose time its source declares. */
const SILENCE_MS = 600_000;

type Dispatched = Pick<Database, "alertEvents" | "alertRules" | "alertDeliveries" | "alertSilences">;

/**
 * Gives what happens to alerts to the workflows of their alarms, in order. The position moves after Temporal has them; a
 * workflow takes each event once, so that one that is given again changes nothing.
 */
export class AlarmDispatcher {
  readonly #db: Dispatched;
  /** One that hangs must not hold the transaction that moves the position. */
  readonly #server: ServerCalls;
  readonly #log: Logger;
  readonly #loop = new WokenLoop(() => this.#work());
  #unsubscribe: (() => Promise<void>) | undefined;
  readonly #replayed = new Set<number>();
  #prunedAt = -Infinity;
  #silencesAt = -Infinity;

  constructor(db: Dispatched, client: Client, log: Logger) {
    this.#db = db;
    this.#server = new ServerCalls(client);
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#unsubscribe = await this.#db.alertEvents.onEvents(() => this.#loop.wake());
    this.#loop.wake();
  }

  async close(): Promise<void> {
    const closed = this.#loop.close();
    await this.#unsubscribe?.();
    await closed;
  }

  /** @returns ms until it should look again */
  async #work(): Promise<number> {
    const { alertEvents, alertDeliveries } = this.#db;
    try {
      while (!this.#loop.isClosed && (await alertEvents.dispatch(EVENTS, (events) => this.#give(events))));
      await this.#endSilences();
      for (const id of await alertDeliveries.waitingReplays(REPLAYS)) await this.#replay(id);
      if (performance.now() - this.#prunedAt > PRUNE_EVERY_MS) {
        await alertEvents.prune();
        this.#prunedAt = performance.now();
      }
    } catch (err) {
      this.#log.debug({ err }, "alerts wait for the database or Temporal");
    }
    return LOOK_EVERY_MS;
  }

  /** What was not told under a silence that is over, and is still open, is told now. */
  async #endSilences(): Promise<void> {
    if (performance.now() - this.#silencesAt < SILENCES_EVERY_MS) return;
    this.#silencesAt = performance.now();
    const { alertDeliveries, alertSilences } = this.#db;
    const untold = await alertDeliveries.silenced();
    if (untold.length === 0) return;
    const silences = (await alertSilences.list()).map(({ document }) => document);
    for (const one of untold)
      if (silenceOf(one, silences, Date.now()) === undefined) await alertDeliveries.unsilence(one.id);
  }

  async #give(events: readonly AlertEventRow[]): Promise<void> {
    const rules = new Map<string, AlertRule | undefined>();
    for (const event of withoutPassing(events)) {
      const { kind, rule, asset, alarmKey } = event;
      // These are the workflow's own.
      if (kind === "reminded" || kind === "escalated") continue;
      if (rule !== null && !rules.has(rule)) rules.set(rule, (await this.#db.alertRules.get(rule))?.document);
      const input: AlarmInput = { key: alarmKey, rule, asset };
      const message = event.alert?.message ?? "";
      const signal: AlarmEventSignal = {
        eventId: event.id,
        kind,
        alertId: event.alert?.id ?? null,
        message,
        times: timesOf(rule === null ? undefined : rules.get(rule)),
      };
      await this.#server.call(({ workflow }) =>
        workflow.signalWithStart("alarmWorkflow", {
          workflowId: alarmWorkflowId(alarmKey),
          taskQueue: TASK_QUEUES.control,
          args: [input],
          signal: "update",
          signalArgs: [signal],
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          staticSummary: `Alarm ${alarmKey.slice(0, 120)}`,
        }),
      );
    }
  }

  async #replay(deliveryId: number): Promise<void> {
    if (this.#replayed.has(deliveryId)) return;
    try {
      await this.#server.call(({ workflow }) =>
        workflow.start("alarmReplayWorkflow", {
          workflowId: alarmReplayWorkflowId(deliveryId),
          taskQueue: TASK_QUEUES.control,
          args: [{ deliveryId }],
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          staticSummary: `Tell of an alert again [delivery ${deliveryId}]`,
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    this.#replayed.add(deliveryId);
  }
}

/** What was pending and withdrawn before anybody could hear of it concerns no workflow. */
export function withoutPassing(events: readonly AlertEventRow[]): readonly AlertEventRow[] {
  const pending = new Map<string, number>();
  const passing = new Set<number>();
  for (const { id, kind, alarmKey } of events) {
    const begun = pending.get(alarmKey);
    pending.delete(alarmKey);
    if (kind === "pending") pending.set(alarmKey, id);
    if (kind === "withdrawn" && begun !== undefined) passing.add(begun).add(id);
  }
  return events.filter(({ id }) => !passing.has(id));
}

function timesOf(rule: AlertRule | undefined): AlarmEventSignal["times"] {
  const ms = (span: string | undefined) => (span === undefined ? null : spanMs(span));
  if (rule === undefined) return { againMs: null, escalateMs: null, settleMs: SETTLE_GRACE_MS };
  const { when, notify } = rule;
  const held =
    when.kind === "threshold"
      ? (ms(when.for) ?? 0) + (ms(when.gap) ?? ms(when.for) ?? 0)
      : when.kind === "absence"
        ? (ms(when.after) ?? SILENCE_MS)
        : 0;
  return {
    againMs: ms(notify.again),
    escalateMs: ms(notify.escalate?.after),
    settleMs: held + SETTLE_GRACE_MS,
  };
}
