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

/**
 * Names of the channels that something is told to, in their order. One that the rule names and nobody declared is among
 * them: that it cannot be told must be seen.
 */
export function channelsFor({ event, alert, rule, channels, told }: Routed): string[] {
  // Who heard of it hears of its end.
  const isSequel = event === "cleared" || event === "acknowledged";
  const notify = event === "escalated" ? rule?.notify.escalate?.channels : rule?.notify.channels;
  const named =
    (isSequel ? told : notify) ?? channels.filter((channel) => takes(channel, alert)).map(({ name }) => name);
  const kindOf = new Map(channels.map(({ name, to }) => [name, to.kind]));
  // It knows firing and resolved alone.
  const isKnown = (name: string) => event !== "acknowledged" || kindOf.get(name) !== "alertmanager";
  return [...new Set(named)].filter(isKnown).sort();
}

function takes({ minSeverity, rules }: AlertChannel, { severity, rule, kind }: AlertRow): boolean {
  const isGrave = SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minSeverity);
  return isGrave && rules.some((pattern) => isOfPattern(rule ?? kind, pattern));
}
