import type { AlertRow } from "../../stores/postgres/port/alerts.ts";
import type { AlertEventKind } from "../../stores/postgres/port/alerting.ts";

/** What a channel is to tell. */
export interface ToldAlert {
  /** The same for every attempt: receivers know by it what they had already. */
  readonly idempotencyKey: string;
  readonly event: AlertEventKind;
  readonly at: string;
  readonly alert: AlertRow;
}

/** One line for people. */
export function headlineOf({ event, alert }: ToldAlert): string {
  const what = `${alert.severity}: ${alert.message}`;
  switch (event) {
    case "acknowledged":
      return `${alert.acknowledgedBy ?? "somebody"} looks at ${what}${alert.comment === null ? "" : ` (${alert.comment})`}`;
    case "cleared":
      return `cleared: ${what}`;
    case "reminded":
      return `still open: ${what}`;
    case "escalated":
      return `nobody has acknowledged: ${what}`;
    case "raised":
    case "pending":
    case "withdrawn":
      return what;
  }
}

/** What came of one attempt. */
export type Attempt =
  | { readonly outcome: "delivered"; readonly status: number }
  /** Trying again would come to the same. */
  | { readonly outcome: "refused"; readonly status: number | null; readonly reason: string }
  | { readonly outcome: "unavailable"; readonly status: number | null; readonly reason: string };
