import type { AuditEntry } from "./actor.ts";
import type { AlertRow } from "./alerts.ts";
import type { AlertEventRow } from "./alerting.ts";

export const DELIVERY_STATES = ["waiting", "delivered", "failed", "silenced"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One event told to one channel, or to be told. */
export interface DeliveryRow {
  readonly id: number;
  readonly eventId: number;
  readonly event: AlertEventRow["kind"];
  readonly alertId: number;
  readonly rule: string | null;
  readonly asset: string | null;
  readonly channel: string;
  /** 0, or which replay it is. */
  readonly replay: number;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly settledAt: string | null;
}

/** Who is told of what, attempt by attempt. */
export interface AlertDeliveryStore {
  event(eventId: number): Promise<AlertEventRow | undefined>;
  /** Channels that were told of an alert, or are to be. */
  channelsOf(alertId: number): Promise<string[]>;
  /**
   * One delivery of an event to each channel; those that are there already stay as they are.
   *
   * @param silence  under which nothing is told: the deliveries are settled with it
   */
  open(eventId: number, channels: readonly string[], silence?: string): Promise<DeliveryRow[]>;
  /**
   * Of alerts that are open and not acknowledged the newest that each channel was not told under a silence, and nothing after it:
   * the delivery and the alert.
   */
  silenced(): Promise<readonly (Pick<AlertRow, "rule" | "kind" | "asset"> & { readonly id: number })[]>;
  /** Opens a replay of one that was silenced, once. */
  unsilence(id: number): Promise<void>;
  get(id: number): Promise<DeliveryRow | undefined>;
  /** Notes an attempt. One that is settled stays as it is. */
  attempted(
    id: number,
    attempt: {
      readonly state: DeliveryState;
      readonly status: number | null;
      readonly reason: string | null;
    },
  ): Promise<void>;
  /** Newest first. */
  list(filter: {
    readonly state?: DeliveryState;
    readonly channel?: string;
    readonly alert?: number;
    readonly limit: number;
    readonly after?: number;
  }): Promise<DeliveryRow[]>;
  /** Tells it once more, as a delivery of its own; undefined where there is no such one. */
  replay(id: number, audit: AuditEntry): Promise<DeliveryRow | undefined>;
  /** Replays that wait. */
  waitingReplays(limit: number): Promise<number[]>;
  /** By channel and state, all there ever were. */
  counts(): Promise<
    readonly { readonly channel: string; readonly state: DeliveryState; readonly n: number }[]
  >;
}
