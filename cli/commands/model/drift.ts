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
import { savePage } from "../../saved-page.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface ReportOptions extends JsonOption {
  readonly id?: string;
  readonly out?: string;
}

const checkSchema = z.looseObject({
  check: z.string(),
  state: z.string(),
  n: z.number(),
  effect: z.number().nullable(),
  p: z.number().nullable(),
  q: z.number().nullable(),
});

/** What of a report is shown; what older releases did not write is left out, and a report of another form still listed. */
const detailSchema = z.looseObject({
  reason: z.string(),
  features: z.array(
    z.looseObject({
      name: z.string(),
      state: z.string(),
      check: z.string().optional(),
      n: z.number().optional(),
      effect: z.number().nullable(),
      psiCorrected: z.number().nullable(),
      p: z.number().nullable().optional(),
      q: z.number().nullable(),
    }),
  ),
  reconstruction: checkSchema.optional(),
  confirmation: z.looseObject({ stage: z.string() }).optional(),
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
    .description("a report, the newest by default: each input and answer with its shift, beside its training")
    .argument("<model>", "name of the model")
    .option("--id <id>", "an earlier one, as aura drift history names it")
    .option("--out <file>", "write it as one HTML page with plots instead")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura drift report turbofan\n  $ aura drift report turbofan --out drift.html",
    )
    .action(async (model: string, options: ReportOptions, command: Command) =>
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

async function report(context: CliContext, model: string, { id, out, json }: ReportOptions): Promise<void> {
  const query = id === undefined ? {} : { id };
  if (out !== undefined) {
    const page = await withApi(context, { start: "if-made" }, ({ client }) =>
      client.getBytes(apiPath`/v1/drift/${model}/page`, query),
    );
    savePage(context, page, { given: out, otherwise: `${model}-drift.html` });
    return;
  }
  const found = await withApi(context, { start: "if-made" }, ({ client }) =>
    id === undefined
      ? latestReport(client, model)
      : client.get(apiPath`/v1/drift/${model}/report`, driftReportSchema, query),
  );
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
    query: { limit, summary: "true" },
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
  const detail = detailSchema.safeParse(row.report);
  output.line(`${output.style("bold", stateOf(row))}  ${row.model}@${row.version}, ${row.rows} rows`);
  output.line(`window ${timeText(row.windowStart)} to ${timeText(row.windowEnd)}`);
  if (!detail.success) return;
  output.line(safeText(detail.data.reason));
  const rank = ({ state }: { readonly state: string }) => (state === "drift" ? 0 : 1);
  const features = detail.data.features.toSorted(
    (a, b) => rank(a) - rank(b) || (b.effect ?? 0) - (a.effect ?? 0),
  );
  if (features.length === 0) return;
  output.line();
  const together = detail.data.reconstruction;
  output.table(
    ["column", "state", "by", "n", "effect", "psi", "p", "q"],
    [
      ...features
        .slice(0, MAX_FEATURES)
        .map(({ name, state, check, n, effect, psiCorrected, p, q }) => [
          name,
          state.replaceAll("_", " "),
          check ?? "-",
          String(n ?? row.rows),
          ...[effect, psiCorrected, p ?? null, q].map(numberText),
        ]),
      ...(together === undefined ? [] : [togetherRow(together)]),
    ],
  );
  if (features.length > MAX_FEATURES)
    output.line(`and ${features.length - MAX_FEATURES} more with smaller shifts`);
}

/** The check of all inputs together, as a row of the table. */
function togetherRow({ check, state, n, effect, p, q }: z.infer<typeof checkSchema>): string[] {
  const numbers = [numberText(effect), "-", numberText(p), numberText(q)];
  return ["(all inputs)", state.replaceAll("_", " "), check, String(n), ...numbers];
}

/** Drift that was found once is only suspected. */
function stateOf({ state, confirmed }: Pick<DriftReportRow, "state" | "confirmed">): string {
  if (state !== "drift") return state.replaceAll("_", " ");
  return confirmed ? "drift, confirmed" : "drift, suspected";
}
