import { defineQuery, defineSignal } from "@temporalio/workflow";
import type { AlarmPhase, AlarmTimes, AlarmView } from "./state.ts";

/** What happened to the alert, as its events have it. */
export interface AlarmEventSignal {
  readonly eventId: number;
  readonly kind: "pending" | "withdrawn" | "raised" | "acknowledged" | "cleared";
  /** Null while only pending. */
  readonly alertId: number | null;
  readonly message: string;
  /** When the rule tells again and escalates, as it was declared then. */
  readonly times: AlarmTimes;
}

export interface AlarmInput {
  readonly key: string;
  /** Null: the platform's own alert, which is told and not followed. */
  readonly rule: string | null;
  readonly asset: string | null;
  /** Set by the workflow itself when it continues in a new run. */
  readonly resumed?: AlarmPhase;
}

export interface AlarmReplayInput {
  readonly deliveryId: number;
}

/** What a person says through the Temporal UI or CLI. */
export interface AlarmWord {
  readonly by?: string;
  readonly comment?: string;
}

/** A signal: the row is written already, and nobody waits for an answer. */
export const updateSignal = defineSignal<[AlarmEventSignal]>("update");
export const acknowledgeSignal = defineSignal<[AlarmWord?]>("acknowledge");
export const clearSignal = defineSignal<[AlarmWord?]>("clear");
export const alarmStateQuery = defineQuery<AlarmView>("state");
