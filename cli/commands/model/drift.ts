import type { Command } from "commander";
import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { checkDrift, driftReportSchema, latestReport } from "../../drift-check.ts";
import type { DriftReportRow } from "../../drift-check.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";
import { safeText } from "../../output.ts";
import type { Output } from "../../output.ts";
import { numberText } from "../../run/evaluation-text.ts";

interface JsonOption {
  readonly json?: boolean;
}

/** What of a report is shown; a report of another form is still listed. */
const detailSchema = z.looseObject({
  reason: z.string(),
  features: z.array(
    z.looseObject({
      name: z.string(),
      state: z.string(),
      effect: z.number().nullable(),
      psiCorrected: z.number().nullable(),
      q: z.number().nullable(),
    }),
  ),
});

/** Longest list of features for people; the worst first. */
const MAX_FEATURES = 15;

/** `aura drift`: whether what comes in still looks like what was trained on. */
export function registerDriftCommand(program: Command): void {
  const drift = program.command("drift").description("compare live inputs with those of training");
  drift
    .command("check")
    .description("check now, beside the schedule")
    .argument("<model>", "name of the model")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  $ aura drift check turbofan")
    .action(async (model: string, options: JsonOption, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
        context.output.progress(`checking ${model}`);
        const found = await checkDrift(client, model, signal);
        context.output.endProgress();
        if (options.json === true) context.output.json(found);
        else showReport(context.output, found);
      });
    });
  drift
    .command("report")
    .description("the newest report: each feature with its shift")
    .argument("<model>", "name of the model")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  $ aura drift report turbofan")
    .action(async (model: string, options: JsonOption, command: Command) =>
      report(contextOf(command), model, options),
    );
  drift
    .command("history")
    .description("all reports, newest first")
    .argument("<model>", "name of the model")
    .option("--limit <n>", "at most so many", parseLimit, 20)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura drift history turbofan")
    .action(async (model: string, options: JsonOption & { limit: number }, command: Command) =>
      history(contextOf(command), model, options),
    );
}

async function report(context: CliContext, model: string, { json }: JsonOption): Promise<void> {
  const found = await withApi(context, { start: "if-made" }, ({ client }) => latestReport(client, model));
  if (found === undefined)
    throw new PlatformError(
      "not_found",
      `drift of ${model}: there is no report yet; aura drift check ${model}`,
    );
  if (json === true) context.output.json(found);
  else showReport(context.output, found);
}

async function history(
  context: CliContext,
  model: string,
  { limit, json }: JsonOption & { readonly limit: number },
): Promise<void> {
  await showListAt(context, {
    path: apiPath`/v1/drift/${model}`,
    row: driftReportSchema,
    query: { limit },
    json,
    empty: "there is no report yet",
    columns: [
      ["window end", (row) => timeText(row.windowEnd)],
      ["version", (row) => `@${row.version}`],
      ["state", (row) => row.state.replaceAll("_", " ")],
      ["confirmed", (row) => (row.confirmed ? "yes" : "no")],
      ["rows", (row) => row.rows],
      ["id", (row) => row.id],
    ],
  });
}

function showReport(output: Output, row: DriftReportRow): void {
  const state = row.state.replaceAll("_", " ") + (row.confirmed ? ", confirmed" : "");
  output.line(`${output.style("bold", state)}  ${row.model}@${row.version}, ${row.rows} rows`);
  output.line(`window ${timeText(row.windowStart)} to ${timeText(row.windowEnd)}`);
  const detail = detailSchema.safeParse(row.report);
  if (!detail.success) return;
  output.line(safeText(detail.data.reason));
  const features = detail.data.features.toSorted((a, b) => (b.effect ?? 0) - (a.effect ?? 0));
  if (features.length === 0) return;
  output.line();
  output.table(
    ["feature", "state", "effect", "psi", "q"],
    features.slice(0, MAX_FEATURES).map((feature) => {
      const { name, effect, psiCorrected, q } = feature;
      return [name, feature.state.replaceAll("_", " "), ...[effect, psiCorrected, q].map(numberText)];
    }),
  );
  if (features.length > MAX_FEATURES)
    output.line(`and ${features.length - MAX_FEATURES} more with smaller shifts`);
}
