/**
 * The alarm as its workflow follows it: a function of the events, each taken once, and of its own timers. It decides nothing:
 * what happened is a row already.
 */

/** ms; null: never. */
export interface AlarmTimes {
  readonly againMs: number | null;
  readonly escalateMs: number | null;
  /** How long a pending alarm may stay without a word before its row is looked at. */
  readonly settleMs: number | null;
}

export interface AlarmPhase {
  readonly phase: "new" | "pending" | "raised" | "acknowledged" | "over";
  readonly alertId: number | null;
  readonly message: string;
  /** Events are told of in order, and may be told of twice. */
  readonly lastEventId: number;
  readonly times: AlarmTimes;
  /** ms since 1970; null: not to come. */
  readonly againAt: number | null;
  readonly escalateAt: number | null;
  readonly settleAt: number | null;
  readonly nReminders: number;
}

export type AlarmView = Pick<AlarmPhase, "phase" | "alertId" | "message" | "nReminders">;

export const NEW_ALARM: AlarmPhase = {
  phase: "new",
  alertId: null,
  message: "",
  lastEventId: 0,
  times: { againMs: null, escalateMs: null, settleMs: null },
  againAt: null,
  escalateAt: null,
  settleAt: null,
  nReminders: 0,
};

export interface AlarmHappening {
  readonly eventId: number;
  readonly kind: "pending" | "withdrawn" | "raised" | "acknowledged" | "cleared";
  readonly alertId: number | null;
  readonly message: string;
  readonly times: AlarmTimes;
}

const QUIET = { againAt: null, escalateAt: null, settleAt: null } as const;

/**
 * Takes an event; one that is not newer than the last changes nothing.
 *
 * @param now ms since 1970
 */
export function afterEvent(state: AlarmPhase, event: AlarmHappening, now: number): AlarmPhase {
  if (event.eventId <= state.lastEventId) return state;
  const { eventId: lastEventId, alertId, message, times } = event;
  const next = { ...state, ...QUIET, lastEventId, times, alertId, message };
  switch (event.kind) {
    case "pending":
      return { ...next, phase: "pending", settleAt: after(now, times.settleMs) };
    case "raised":
      return {
        ...next,
        phase: "raised",
        nReminders: 0,
        againAt: after(now, times.againMs),
        escalateAt: after(now, times.escalateMs),
      };
    case "acknowledged":
      return { ...next, phase: "acknowledged" };
    case "withdrawn":
    case "cleared":
      return { ...next, phase: "over" };
  }
}

export type AlarmTimer = "again" | "escalate" | "settle";

/** The timer that is due, if any. */
export function dueTimer({ againAt, escalateAt, settleAt }: AlarmPhase, now: number): AlarmTimer | undefined {
  if (escalateAt !== null && escalateAt <= now) return "escalate";
  if (againAt !== null && againAt <= now) return "again";
  return settleAt !== null && settleAt <= now ? "settle" : undefined;
}

/** ms until the next timer; undefined: there is none. */
export function untilTimer({ againAt, escalateAt, settleAt }: AlarmPhase, now: number): number | undefined {
  const next = Math.min(againAt ?? Infinity, escalateAt ?? Infinity, settleAt ?? Infinity);
  return next === Infinity ? undefined : Math.max(1, next - now);
}

/** A timer was dealt with. */
export function afterTimer(state: AlarmPhase, timer: AlarmTimer, now: number): AlarmPhase {
  if (timer === "escalate") return { ...state, escalateAt: null };
  if (timer === "settle") return { ...state, settleAt: after(now, state.times.settleMs) };
  return { ...state, againAt: after(now, state.times.againMs), nReminders: state.nReminders + 1 };
}

const after = (now: number, ms: number | null): number | null => (ms === null ? null : now + ms);
