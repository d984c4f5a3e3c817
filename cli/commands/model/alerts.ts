import type { Command } from "commander";
import { Option } from "commander";
import { z } from "zod";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { itemsOf, parseLimit, showList, timeText } from "../../list-view.ts";

interface ListOptions {
  readonly state: string;
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

const alertSchema = z.looseObject({
  id: z.number(),
  kind: z.string(),
  severity: z.string(),
  subject: z.string(),
  message: z.string(),
  raisedAt: z.string(),
  acknowledgedBy: z.string().nullable(),
});

/** `aura alerts`: what a person should look at. */
export function registerAlertsCommand(program: Command): void {
  const alerts = program.command("alerts").description("what somebody should look at");
  alerts
    .command("list")
    .description("alerts, newest first")
    .addOption(
      new Option("--state <state>", "which")
        .choices(["open", "acknowledged", "resolved", "all"])
        .default("open"),
    )
    .option("--after <id>", "those before this one: the last of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura alerts list --state all")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  alerts
    .command("ack")
    .description("say that you look at it; recorded")
    .argument("<id>", "number of the alert")
    .option("--json", "print the alert as JSON")
    .addHelpText("after", "\nExample:\n  $ aura alerts ack 7")
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      acknowledge(contextOf(command), id, options),
    );
}

async function list(context: CliContext, { state, limit, after, json }: ListOptions): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/alerts", itemsOf(alertSchema), { state, limit, after }),
  );
  showList(context.output, items, {
    json,
    empty: state === "open" ? "nothing to look at" : "there are none",
    columns: [
      ["id", (row) => row.id],
      ["severity", (row) => row.severity],
      ["kind", (row) => row.kind],
      ["about", (row) => row.subject],
      ["message", (row) => row.message],
      ["raised", (row) => timeText(row.raisedAt)],
      ["looked at by", (row) => row.acknowledgedBy ?? "-"],
    ],
  });
}

async function acknowledge(context: CliContext, id: string, { json }: { json?: boolean }): Promise<void> {
  const alert = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/alerts/${id}/acknowledge`, { reply: alertSchema }),
  );
  if (json === true) context.output.json(alert);
  else context.output.line(`${alert.acknowledgedBy} looks at ${alert.id}: ${alert.message}`);
}
