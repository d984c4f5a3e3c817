import { expect, it } from "vitest";
import { alertChannelSchema } from "../schemas/alerts/alert-channel.ts";
import { alertRuleSchema } from "../schemas/alerts/alert-rule.ts";
import type { AlertRow } from "../stores/postgres/port/alerts.ts";
import { channelsFor } from "./routing.ts";
import type { Routed } from "./routing.ts";

const to = { kind: "slack", url: "https://hooks.example.org/x" };
const CHANNELS = [
  { name: "all", minSeverity: "info", to },
  { name: "grave", minSeverity: "critical", to },
  { name: "pumps", rules: ["pump-*"], to },
  { name: "manager", to: { kind: "alertmanager", url: "https://manager.example.org" } },
].map((channel) => alertChannelSchema.parse(channel));
const RULE = alertRuleSchema.parse({
  name: "pump-hot",
  source: "pumps",
  when: { kind: "threshold", column: "heat", above: 90 },
  notify: { channels: ["grave", "nobody"], escalate: { after: "5m", channels: ["all"] } },
});
const alert = (severity: "info" | "warning" | "critical", rule: string | null = "pump-hot") =>
  ({ severity, rule, kind: "drift" }) as AlertRow;
const route = (routed: Partial<Routed>) =>
  channelsFor({
    event: "raised",
    alert: alert("warning"),
    rule: undefined,
    channels: CHANNELS,
    told: [],
    ...routed,
  });

it.each([
  ["channels that take such alerts", {}, ["all", "manager", "pumps"]],
  ["those of the severity", { alert: alert("info") }, ["all"]],
  [
    "those of the kind, of the platform's own",
    { alert: alert("critical", null) },
    ["all", "grave", "manager"],
  ],
  ["those that the rule names, also one that is not there", { rule: RULE }, ["grave", "nobody"]],
  ["those it escalates to", { rule: RULE, event: "escalated" }, ["all"]],
  [
    "who heard of it, of its end",
    { rule: RULE, event: "cleared", told: ["manager", "all"] },
    ["all", "manager"],
  ],
  ["those that know acknowledging", { event: "acknowledged", told: ["manager", "all"] }, ["all"]],
] as const)("tells %s", (_, routed, expected) => {
  expect(route(routed)).toEqual(expected);
});
