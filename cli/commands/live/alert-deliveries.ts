import type { Command } from "commander";
import { Option } from "commander";
import { z } from "zod";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { askedFor, itemsOf, parseLimit, showList, timeText } from "../../list-view.ts";

interface ListOptions {
  readonly state?: string;
  readonly channel?: string;
  readonly alert?: string;
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

const deliverySchema = z.looseObject({
  id: z.number(),
  event: z.string(),
  alertId: z.number(),
  channel: z.string(),
  state: z.string(),
  attempts: z.number(),
  status: z.number().nullable(),
  reason: z.string().nullable(),
  createdAt: z.string(),
});

/** `aura alerts deliveries`: who was told of what. */
export function registerAlertDeliveries(alerts: Command): void {
  const deliveries = alerts.command("deliveries").description("what was told to which channel");
  deliveries
    .command("list")
    .description("deliveries, newest first")
    .addOption(new Option("--state <state>", "which").choices(["waiting", "delivered", "failed"]))
    .option("--channel <channel>", "to this channel alone")
    .option("--alert <id>", "of this alert alone")
    .option("--after <id>", "those before this one: the last of the page before")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura alerts deliveries list --state failed")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  deliveries
    .command("replay")
    .description("tell it once more")
    .argument("<id>", "number of the delivery")
    .option("--json", "print the new delivery as JSON")
    .addHelpText("after", "\nExample:\n  $ aura alerts deliveries replay 12")
    .action(async (id: string, { json }: { json?: boolean }, command: Command) => {
      const context = contextOf(command);
      const row = await withApi(context, { start: "if-made" }, ({ client }) =>
        client.post(apiPath`/v1/alert-deliveries/${id}/replay`, { reply: deliverySchema }),
      );
      if (json === true) context.output.json(row);
      else
        context.output.line(
          `${row.id}: ${row.event} of alert ${row.alertId} to ${row.channel}, ${row.state}`,
        );
    });
}

async function list(context: CliContext, { json, ...query }: ListOptions): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/alert-deliveries", itemsOf(deliverySchema), { ...query, limit: askedFor(query.limit) }),
  );
  showList(context.output, items, {
    json,
    limit: query.limit,
    empty: "there are none",
    columns: [
      ["id", (row) => row.id],
      ["alert", (row) => row.alertId],
      ["event", (row) => row.event],
      ["channel", (row) => row.channel],
      ["state", (row) => row.state],
      ["attempts", (row) => row.attempts],
      ["status", (row) => row.status ?? "-"],
      ["reason", (row) => row.reason ?? "-"],
      ["since", (row) => timeText(row.createdAt)],
    ],
  });
}
