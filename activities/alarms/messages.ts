/** An event whose channels are to be told. */
export interface OpenDeliveriesInput {
  readonly eventId: number;
}

export interface OpenedDeliveries {
  readonly deliveries: readonly { readonly id: number; readonly channel: string }[];
  /** Of the alert, as it is now; null: only pending. */
  readonly alertState: "raised" | "acknowledged" | "cleared" | null;
}

export interface DeliverInput {
  readonly deliveryId: number;
}

export interface FailDeliveryInput {
  readonly deliveryId: number;
  readonly reason: string;
}

export interface RemindInput {
  readonly alertId: number;
  readonly kind: "reminded" | "escalated";
  /** Which time it is, from 1. */
  readonly nth: number;
}

export interface AlarmPhaseInput {
  readonly rule: string;
  readonly asset: string;
}

/** Who wants to know whether a channel works. */
export interface TestChannelInput {
  readonly channel: string;
  readonly by: string;
}

/** What a person says through Temporal itself. */
export interface AlertWordInput {
  readonly alertId: number;
  readonly by: string;
  readonly comment?: string;
}
