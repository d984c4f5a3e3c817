import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import {
  recordedEventSchema,
  WORK_ORDER_STATES,
  WORK_OUTCOMES,
  workOrderSchema,
} from "../../../schemas/maintenance/work-order.ts";
import type { WorkOrder } from "../../../schemas/maintenance/work-order.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { itemsOf, timeText } from "../../list-view.ts";
import { safeText } from "../../output.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { registerMaintenanceList } from "./maintenance-list.ts";

interface CloseOptions extends AsOption {
  readonly result: string;
  readonly failedAt?: string | number;
  readonly seenAt?: string | number;
  readonly mode?: string;
  readonly part?: string;
  readonly hours?: number;
  readonly cost?: number;
  readonly comment?: string;
  readonly event?: string;
  readonly json?: boolean;
}

/** `aura work-orders`: what was ordered, and what came of it. */
export function registerWorkOrdersCommand(program: Command): void {
  const orders = program
    .command("work-orders")
    .description("work that was ordered: list, look at, close with what came of it");
  registerMaintenanceList(orders, {
    description: "work orders, newest first",
    states: WORK_ORDER_STATES,
    example: "aura work-orders list",
    path: "/v1/work-orders",
    row: workOrderSchema,
    noneOpen: "no work order is open",
    columns: [
      ["id", (row) => row.id],
      ["state", (row) => row.state],
      ["asset", (row) => row.asset],
      ["what", (row) => row.document.action],
      ["channel", (row) => row.channel ?? "-"],
      ["outcome", (row) => row.outcome?.result ?? "-"],
      ["made", (row) => timeText(row.createdAt)],
    ],
  });
  orders
    .command("show")
    .description("a work order, and what was said of it")
    .argument("<id>", "id of the work order")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura work-orders show wo.pumps.3fa9c1d2e4b5.1")
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      show(contextOf(command), id, options),
    );
  registerClose(orders);
  orders
    .command("send")
    .description("send it to its channel once more")
    .argument("<id>", "id of the work order")
    .option("--json", "print the work order as JSON")
    .addHelpText("after", "\nExample:\n  $ aura work-orders send wo.pumps.3fa9c1d2e4b5.1")
    .action(async (id: string, options: { json?: boolean }, command: Command) => {
      const context = contextOf(command);
      const order = await withApi(context, { start: "if-made" }, ({ client }) =>
        client.post(apiPath`/v1/work-orders/${id}/send`, { reply: workOrderSchema }),
      );
      print(context, order, options);
    });
}

function registerClose(orders: Command): void {
  orders
    .command("close")
    .description("say what came of the work; it becomes a label")
    .argument("<id>", "id of the work order")
    .addOption(
      new Option("--result <result>", "what came of it").choices([...WORK_OUTCOMES]).makeOptionMandatory(),
    )
    .option("--failed-at <time>", "of confirmed: when it failed, ISO 8601 or the cycle", parseDataTime)
    .option("--seen-at <time>", "when it was looked at (default: now)", parseDataTime)
    .option("--mode <text>", "how it failed")
    .option("--part <text>", "what was replaced")
    .option("--hours <n>", "downtime", parseAmount)
    .option("--cost <n>", "what it came to, in the declared currency", parseAmount)
    .option("--comment <text>", "what others should know")
    .addOption(asOption("says so"))
    .option("--event <id>", "id of this event: said again under it, nothing changes (default: a new one)")
    .option("--json", "print the work order as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura work-orders close wo.pumps.3fa9c1d2e4b5.1 --result replaced_part --part bearing --hours 3",
    )
    .action(async (id: string, options: CloseOptions, command: Command) =>
      close(contextOf(command), id, options),
    );
}

async function show(context: CliContext, id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { output } = context;
  await withApi(context, { start: "if-made" }, async ({ client }) => {
    const order = await client.get(apiPath`/v1/work-orders/${id}`, workOrderSchema);
    const { items } = await client.get(apiPath`/v1/work-orders/${id}/events`, itemsOf(recordedEventSchema));
    if (json === true) {
      output.json({ ...order, events: items });
      return;
    }
    const line = (text: string) => output.line(safeText(text));
    line(`${order.id} is ${order.state.replace("_", " ")}: ${order.asset}`);
    line(`  do       ${order.document.action}`);
    line(`  for      ${order.recommendationId}`);
    line(`  decided  ${order.document.decidedBy.join(", ") || "by the rule of the pipeline"}`);
    if (order.channel !== null)
      line(
        `  channel  ${order.channel}, ${order.attempts} attempts${order.reason === null ? "" : `: ${order.reason}`}`,
      );
    for (const event of items)
      line(
        `  ${timeText(event.at)}  ${event.kind} by ${event.by}${event.authenticated ? "" : " (unauthenticated)"}`,
      );
    if (order.outcome !== null) line(`  outcome  ${order.outcome.result}; label ${order.labelId ?? "none"}`);
  });
}

async function close(context: CliContext, id: string, options: CloseOptions): Promise<void> {
  const { json, as, event, ...outcome } = options;
  const order = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/work-orders/${id}/events`, {
      reply: workOrderSchema,
      body: {
        eventId: event ?? `cli-${randomUUID()}`,
        kind: "closed",
        by: personOf({ as }),
        outcome,
      },
    }),
  );
  print(context, order, json === true ? { json } : {});
}

function print({ output }: CliContext, order: WorkOrder, { json }: { readonly json?: boolean }): void {
  if (json === true) output.json(order);
  else output.line(safeText(`${order.id} (${order.asset}) is ${order.state.replace("_", " ")}`));
}

/** A cycle, or a time in ISO 8601; the API judges it. */
function parseDataTime(text: string): string | number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new InvalidArgumentError("expected a time such as 2026-01-31T12:00:00Z, or a cycle");
}

function parseAmount(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("expected a number of 0 or more");
}
