import type { Command } from "commander";
import { z } from "zod";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";

const auditRowSchema = z.looseObject({
  seq: z.number(),
  at: z.string(),
  actor: z.looseObject({ id: z.string(), authenticated: z.boolean() }),
  action: z.string(),
  subject: z.string(),
  outcome: z.string(),
  reason: z.string().nullish(),
});
const verdictSchema = z.looseObject({
  ok: z.boolean(),
  rows: z.number(),
  unsealed: z.number(),
  firstBad: z.number().optional(),
  head: z.string(),
});

/** `aura audit`: who did what, and whether the record is whole. */
export function registerAuditCommand(program: Command): void {
  const audit = program.command("audit").description("the record of every change");
  audit
    .command("list")
    .description("audit rows, newest first")
    .option("--subject <subject>", "of this subject only, e.g. model/turbofan@3")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura audit list --limit 10")
    .action(async (options: { subject?: string; limit: number; json?: boolean }, command: Command) => {
      const context = contextOf(command);
      const { json, ...query } = options;
      await showListAt(context, {
        path: "/v1/audit",
        row: auditRowSchema,
        query,
        json,
        empty: "there are no such rows",
        columns: [
          ["row", (row) => row.seq],
          ["at", (row) => timeText(row.at)],
          ["actor", (row) => row.actor.id + (row.actor.authenticated ? "" : " (unauthenticated)")],
          ["action", (row) => row.action],
          ["subject", (row) => row.subject],
          ["outcome", (row) => row.outcome],
          ["reason", (row) => row.reason ?? ""],
        ],
      });
    });
  audit
    .command("verify")
    .description("recompute the hash chain; ends with 1 when a row was changed or is missing")
    .option("--json", "print the verdict as JSON")
    .addHelpText("after", "\nExample:\n  $ aura audit verify")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const context = contextOf(command);
      const verdict = await withApi(context, { start: "if-made" }, ({ client }) =>
        client.get("/v1/audit/verify", verdictSchema),
      );
      const { ok, rows, unsealed, firstBad, head } = verdict;
      if (json === true) context.output.json(verdict);
      else if (ok) context.output.line(`whole: ${rows} rows, ${unsealed} not sealed yet, head ${head}`);
      else context.output.line(`broken at row ${firstBad ?? "?"} of ${rows}`);
      if (!ok) context.exitWith(EXIT.fault);
    });
}
