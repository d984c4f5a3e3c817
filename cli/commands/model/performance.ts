import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";
import {
  checkPerformance,
  latestPerformance,
  performanceRowSchema,
  performanceVerdictSchema,
} from "../../performance/performance-check.ts";
import { showPerformance } from "../../performance/performance-view.ts";
import { numberText } from "../../run/evaluation-text.ts";
import { savePage } from "../../saved-page.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface ReportOptions extends JsonOption {
  readonly id?: string;
  readonly out?: string;
}

/** `aura performance`: how good a model turned out to be, and what is to be expected before labels come. */
export function registerPerformanceCommand(program: Command): void {
  const performance = program
    .command("performance")
    .description("hold a model's answers against what turned out to be true");
  performance
    .command("check")
    .description("check now, beside the schedule")
    .argument("<model>", "name of the model")
    .option("--json", "print the report as JSON")
    .addHelpText("after", "\nExample:\n  $ aura performance check turbofan")
    .action(async (model: string, options: JsonOption, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
        context.output.progress(`checking ${model}`);
        const found = await checkPerformance(client, model, signal);
        context.output.endProgress();
        if (options.json === true) context.output.json(found);
        else showPerformance(context.output, found);
      });
    });
  performance
    .command("report")
    .description("a report, the newest by default: realized and expected quality, window by window")
    .argument("<model>", "name of the model")
    .option("--id <id>", "an earlier one, as aura performance history names it")
    .option("--out <file>", "write it as one HTML page with plots instead")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura performance report turbofan\n  $ aura performance report turbofan --out performance.html",
    )
    .action(async (model: string, options: ReportOptions, command: Command) =>
      report(contextOf(command), model, options),
    );
  performance
    .command("history")
    .description("all reports, newest first")
    .argument("<model>", "name of the model")
    .option("--limit <n>", "at most so many", parseLimit, 20)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura performance history turbofan")
    .action(async (model: string, { limit, json }: JsonOption & { limit: number }, command: Command) =>
      showListAt(contextOf(command), {
        path: apiPath`/v1/performance/${model}`,
        row: performanceVerdictSchema,
        query: { limit, summary: "true" },
        json,
        empty: "there is no report yet",
        columns: [
          ["checked", (row) => timeText(row.checkedAt)],
          ["version", (row) => `@${row.version}`],
          ["state", (row) => row.state.replaceAll("_", " ")],
          ["confirmed", (row) => (row.confirmed ? "yes" : "no")],
          ["metric", (row) => row.metric],
          ["realized", (row) => numberText(row.value)],
          ["labelled", (row) => row.labelled],
          ["id", (row) => row.id],
        ],
      }),
    );
}

async function report(context: CliContext, model: string, { id, out, json }: ReportOptions): Promise<void> {
  const query = id === undefined ? {} : { id };
  if (out !== undefined) {
    const page = await withApi(context, { start: "if-made" }, ({ client }) =>
      client.getBytes(apiPath`/v1/performance/${model}/page`, query),
    );
    savePage(context, page, { given: out, otherwise: `${model}-performance.html` });
    return;
  }
  const found = await withApi(context, { start: "if-made" }, ({ client }) =>
    id === undefined
      ? latestPerformance(client, model)
      : client.get(apiPath`/v1/performance/${model}/report`, performanceRowSchema, query),
  );
  if (found === undefined)
    throw new PlatformError(
      "not_found",
      `performance of ${model}: there is no report yet; aura performance check ${model}`,
    );
  if (json === true) context.output.json(found);
  else showPerformance(context.output, found);
}
