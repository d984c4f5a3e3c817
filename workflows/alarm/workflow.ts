import {
  ActivityFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { alarms, channelTests, deliveries } from "../activity-proxies.ts";
import type { TestChannelInput } from "../../activities/alarms/messages.ts";
import type { ChannelTest } from "../../schemas/alerts/alert-channel.ts";
import { show } from "../visibility.ts";
import { acknowledgeSignal, alarmStateQuery, clearSignal, updateSignal } from "./messages.ts";
import type { AlarmEventSignal, AlarmInput, AlarmReplayInput, AlarmWord } from "./messages.ts";
import { afterEvent, afterTimer, dueTimer, NEW_ALARM, untilTimer } from "./state.ts";
import type { AlarmPhase } from "./state.ts";

/**
 * One alarm, from the moment it is pending until it is over: tells channels of what happens to its alert, reminds, escalates.
 *
 * **Messages**: signal `update` (an event, taken once), `acknowledge` and `clear` (a person, through Temporal itself), query
 * `state`. The rows decide: they are written before the workflow hears of them, or by its activities.
 *
 * **Continue-as-new**: when the server suggests it and nothing is being told. **Versioning**: patched().
 */
export async function alarmWorkflow(input: AlarmInput): Promise<void> {
  const alarm = new Alarm(input);
  setHandler(alarmStateQuery, () => {
    const { phase, alertId, message, nReminders } = alarm.state;
    return { phase, alertId, message, nReminders };
  });
  setHandler(updateSignal, (event) => void alarm.events.push(event));
  setHandler(acknowledgeSignal, (word = {}) => alarm.acknowledge(word), {
    description: 'Say that you look at it: {"by":"you","comment":"…"}',
  });
  setHandler(clearSignal, (word = {}) => alarm.clear(word), {
    description: 'Say that it is over: {"by":"you"}',
  });
  await alarm.follow();
}

/** Tells one channel once more, because somebody asked for it. */
export async function alarmReplayWorkflow({ deliveryId }: AlarmReplayInput): Promise<void> {
  await deliver(deliveryId);
}

/** Whether a channel can be told at all, because somebody asked. */
export async function channelTestWorkflow(input: TestChannelInput): Promise<ChannelTest> {
  const result = await channelTests.testChannel(input);
  show({}, `**${result.outcome}** — channel ${result.channel}`);
  return result;
}

/** The entity behind the handlers. */
class Alarm {
  readonly events: AlarmEventSignal[] = [];
  state: AlarmPhase;
  readonly #input: AlarmInput;
  /** The last of each channel: what is told of one alert stays in order, and no channel waits for another. */
  readonly #told = new Map<string, Promise<void>>();
  #nTelling = 0;

  constructor(input: AlarmInput) {
    this.#input = input;
    this.state = input.resumed ?? NEW_ALARM;
  }

  async follow(): Promise<void> {
    for (;;) {
      const waitMs = untilTimer(this.state, Date.now());
      const isWoken = (): boolean => this.events.length > 0 || (this.#isOver && this.#nTelling === 0);
      if (waitMs === undefined) await condition(isWoken);
      else await condition(isWoken, waitMs);
      for (let event = this.events.shift(); event !== undefined; event = this.events.shift())
        await this.#take(event);
      await this.#passTimers();
      if (this.events.length > 0 || this.#nTelling > 0) continue;
      await condition(allHandlersFinished);
      if (this.events.length > 0) continue;
      if (this.#isOver) return;
      if (workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof alarmWorkflow>({ ...this.#input, resumed: this.state });
    }
  }

  async acknowledge({ by = "temporal", comment }: AlarmWord): Promise<void> {
    const { alertId } = this.state;
    if (alertId !== null)
      await alarms.acknowledgeAlert({ alertId, by, ...(comment === undefined ? {} : { comment }) });
  }

  async clear({ by = "temporal" }: AlarmWord): Promise<void> {
    const { alertId } = this.state;
    if (alertId !== null) await alarms.clearAlert({ alertId, by });
  }

  get #isOver(): boolean {
    return this.state.phase === "over";
  }

  async #take(event: AlarmEventSignal): Promise<void> {
    const before = this.state;
    this.state = afterEvent(before, event, Date.now());
    if (this.state === before) return;
    this.#show();
    if (event.alertId !== null) await this.#tell(event.eventId);
    // What no rule raised has no timers, and may never be over.
    if (this.#input.rule === null) this.state = { ...this.state, phase: "over" };
  }

  /** Returns once it is settled who is told; the telling goes on beside. */
  async #tell(eventId: number): Promise<void> {
    const { deliveries: opened, alertState } = await alarms.openDeliveries({ eventId });
    for (const { id, channel } of opened) {
      this.#nTelling += 1;
      const last = this.#told.get(channel) ?? Promise.resolve();
      this.#told.set(
        channel,
        last.then(() => deliver(id)).finally(() => (this.#nTelling -= 1)),
      );
    }
    // An event that is told of again after everything was over: there is nothing more to wait for.
    if (alertState === "cleared")
      this.state = { ...this.state, phase: "over", againAt: null, escalateAt: null };
  }

  async #passTimers(): Promise<void> {
    const timer = dueTimer(this.state, Date.now());
    if (timer === undefined) return;
    const { alertId, nReminders } = this.state;
    this.state = afterTimer(this.state, timer, Date.now());
    if (timer === "settle") return this.#settle();
    if (alertId === null) return;
    const again =
      timer === "again" ? { kind: "reminded", nth: nReminders + 1 } : { kind: "escalated", nth: 1 };
    const { eventId } = await alarms.remindAlert({ alertId, ...again } as Parameters<
      typeof alarms.remindAlert
    >[0]);
    if (eventId !== null) await this.#tell(eventId);
  }

  /** What the evaluator no longer has pending is over, should its word have been lost. */
  async #settle(): Promise<void> {
    const { rule, asset } = this.#input;
    if (rule === null || asset === null) return;
    const { phase } = await alarms.readAlarmPhase({ rule, asset });
    if (phase === "quiet") this.state = { ...this.state, phase: "over", settleAt: null };
  }

  #show(): void {
    const { phase, message } = this.state;
    const about = message === "" ? this.#input.key : message;
    show({ stage: phase }, `**${phase}** — ${about}`);
  }
}

/** Never fails: a channel that is away for a day is given up, and the row says why. */
async function deliver(deliveryId: number): Promise<void> {
  try {
    await deliveries.deliverAlert({ deliveryId });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    await alarms.failDelivery({ deliveryId, reason: "it was not taken within a day" });
  }
}
