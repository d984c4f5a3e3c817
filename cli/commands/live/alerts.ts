import type { Command } from "commander";
import { Option } from "commander";
import { z } from "zod";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { askedFor, itemsOf, parseLimit, showList, timeText } from "../../list-view.ts";
import { registerAlertDeliveries } from "./alert-deliveries.ts";
import { registerAlertDeclarations } from "./alert-declarations.ts";

interface ListOptions {
  readonly state: string;
  readonly asset?: string;
  readonly rule?: string;
  readonly severity?: string;
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

interface AcknowledgeOptions {
  readonly name?: string;
  readonly comment?: string;
  readonly json?: boolean;
}

const alertSchema = z.looseObject({
  id: z.number(),
  state: z.string(),
  kind: z.string(),
  severity: z.string(),
  subject: z.string(),
  message: z.string(),
  rule: z.string().nullable(),
  raisedAt: z.string(),
  acknowledgedBy: z.string().nullable(),
});

/** `aura alerts`: what a person should look at. */
export function registerAlertsCommand(program: Command): void {
  const alerts = program.command("alerts").description("what somebody should look at, and what raises it");
  alerts
    .command("list")
    .description("alerts, newest first")
    .addOption(
      new Option("--state <state>", "which")
        .choices(["open", "acknowledged", "resolved", "all"])
        .default("open"),
    )
    .option("--asset <asset>", "of this asset alone")
    .option("--rule <rule>", "of this rule alone")
    .addOption(new Option("--severity <severity>", "as bad as this").choices(["info", "warning", "critical"]))
    .option("--after <id>", "those before this one: the last of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura alerts list --state all --asset p1")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  alerts
    .command("ack")
    .description("say that you look at it; recorded")
    .argument("<id>", "number of the alert")
    .option("--name <name>", "who looks at it; with keys it is the key's owner")
    .option("--comment <text>", "what others should know")
    .option("--json", "print the alert as JSON")
    .addHelpText("after", '\nExample:\n  $ aura alerts ack 7 --comment "bearing is on order"')
    .action(async (id: string, options: AcknowledgeOptions, command: Command) =>
      acknowledge(contextOf(command), id, options),
    );
  alerts
    .command("clear")
    .description("say that it is over; where its rule still holds, the next reading raises another one")
    .argument("<id>", "number of the alert")
    .option("--json", "print the alert as JSON")
    .addHelpText("after", "\nExample:\n  $ aura alerts clear 7")
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      clear(contextOf(command), id, options),
    );
  registerAlertDeclarations(alerts);
  registerAlertDeliveries(alerts);
}

async function list(context: CliContext, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/alerts", itemsOf(alertSchema), { ...query, limit: askedFor(query.limit) }),
  );
  showList(context.output, items, {
    json,
    limit: query.limit,
    empty: query.state === "open" ? "nothing to look at" : "there are none",
    columns: [
      ["id", (row) => row.id],
      ["severity", (row) => row.severity],
      ["state", (row) => row.state],
      ["rule", (row) => row.rule ?? row.kind],
      ["about", (row) => row.subject],
      ["message", (row) => row.message],
      ["raised", (row) => timeText(row.raisedAt)],
      ["looked at by", (row) => row.acknowledgedBy ?? "-"],
    ],
  });
}

async function acknowledge(
  context: CliContext,
  id: string,
  { json, name, comment }: AcknowledgeOptions,
): Promise<void> {
  const body = { ...(name === undefined ? {} : { name }), ...(comment === undefined ? {} : { comment }) };
  const alert = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/alerts/${id}/acknowledge`, { reply: alertSchema, body }),
  );
  if (json === true) context.output.json(alert);
  else context.output.line(`${alert.acknowledgedBy} looks at ${alert.id}: ${alert.message}`);
}

async function clear(context: CliContext, id: string, { json }: { json?: boolean }): Promise<void> {
  const alert = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/alerts/${id}/clear`, { reply: alertSchema }),
  );
  if (json === true) context.output.json(alert);
  else context.output.line(`${alert.id}: ${alert.state}`);
}
