import type { AlertChannel } from "../schemas/alerts/alert-channel.ts";
import { SEVERITIES } from "../schemas/alerts/alert-rule.ts";
import type { AlertRule } from "../schemas/alerts/alert-rule.ts";
import type { AlertRow } from "../stores/postgres/port/alerts.ts";
import type { AlertEventKind } from "../stores/postgres/port/alerting.ts";
import { isOfPattern } from "./text-pattern.ts";

export interface Routed {
  readonly event: AlertEventKind;
  readonly alert: AlertRow;
  /** The rule as it is now; undefined where there is none any more, or never was. */
  readonly rule: AlertRule | undefined;
  readonly channels: readonly AlertChannel[];
  /** Channels that were told of this alert before: they hear of its end as well. */
  readonly told: readonly string[];
}

/** Names of the channels that something is told to, in the order of their names. */
export function channelsFor({ event, alert, rule, channels, told }: Routed): string[] {
  const named = event === "escalated" ? rule?.notify.escalate?.channels : rule?.notify.channels;
  return channels
    .filter((channel) => {
      // It knows firing and resolved alone.
      if (channel.to.kind === "alertmanager" && event === "acknowledged") return false;
      if (event === "cleared" || event === "acknowledged") return told.includes(channel.name);
      return named === undefined ? takes(channel, alert) : named.includes(channel.name);
    })
    .map(({ name }) => name)
    .sort();
}

function takes({ minSeverity, rules }: AlertChannel, { severity, rule, kind }: AlertRow): boolean {
  const isGrave = SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minSeverity);
  return isGrave && rules.some((pattern) => isOfPattern(rule ?? kind, pattern));
}
