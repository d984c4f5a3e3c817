import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Option } from "commander";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { runViewSchema } from "../../../schemas/runs/run.ts";
import { trialTable } from "../../../schemas/runs/trial-table.ts";
import { trialCurvesSchema, trialListSchema } from "../../../schemas/runs/trial.ts";
import type { TrialList, TrialView } from "../../../schemas/runs/trial.ts";
import { runIdFrom } from "../../run/run-id.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { csvText } from "../../../schemas/text/csv.ts";
import { writeMlflowRuns } from "../../export/mlflow-runs.ts";

const FORMATS = ["csv", "parquet", "mlflow"] as const;
const DEFAULT_OUT: Readonly<Record<(typeof FORMATS)[number], string>> = {
  csv: "trials.csv",
  parquet: "trials.parquet",
  mlflow: "mlruns",
};

interface ExportOptions {
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
}

/** Trials asked for at once. */
const PAGE = 1_000;

/** `aura runs export`: a run and its trials for other tools. */
export function registerExportCommand(runs: Command): void {
  runs
    .command("export")
    .description("write the trials of a run as CSV or Parquet, or it and its trials as MLflow's directories")
    .argument("<id>", "id of the run")
    .addOption(new Option("--format <name>", "how they are written").choices(FORMATS).default("csv"))
    .option("--out <path>", "file, or folder for mlflow; default: trials.csv, trials.parquet, mlruns")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura runs export 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3 --format mlflow --out mlruns",
    )
    .action(async (id: string, options: ExportOptions, command: Command) =>
      exportTrials(contextOf(command), id, options),
    );
}

async function exportTrials(
  context: CliContext,
  given: string,
  { format, out }: ExportOptions,
): Promise<void> {
  const path = out ?? DEFAULT_OUT[format];
  const nTrials = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const id = await runIdFrom(client, given);
    const run = await client.get(apiPath`/v1/runs/${id}`, runViewSchema);
    const trials = await allTrials(client, id);
    if (trials.length === 0 && format !== "mlflow")
      throw new PlatformError("not_found", `export run [${id}]: it has no trials`);
    if (format === "mlflow") {
      const curvesOf = ({ candidate, number }: TrialView) =>
        client.get(apiPath`/v1/runs/${id}/trials/${candidate}/${number}/curves`, trialCurvesSchema);
      await writeMlflowRuns({ folder: path, run, trials, curvesOf });
      return trials.length;
    }
    await mkdir(dirname(path), { recursive: true });
    if (format === "parquet")
      await writeFile(path, await client.getBytes(apiPath`/v1/runs/${id}/trials.parquet`));
    else await writeFile(path, csvOf(trials));
    return trials.length;
  });
  const what = format === "mlflow" ? "the run and " : "";
  context.output.line(`${what}${nTrials} trials written to ${path}`);
}

function csvOf(trials: readonly TrialView[]): string {
  const { columns, rows } = trialTable(trials);
  return csvText([columns.map(({ name }) => name), ...rows.map((row) => row.map((cell) => cell ?? ""))]);
}

/**
 * Page after page.
 *
 * @param candidate  of this one alone
 */
export async function allTrials(client: ApiClient, id: string, candidate?: string): Promise<TrialView[]> {
  const trials: TrialView[] = [];
  for (;;) {
    const of = candidate === undefined ? {} : { candidate };
    const query = { limit: PAGE, offset: trials.length, ...of };
    const page: TrialList = await client.get(apiPath`/v1/runs/${id}/trials`, trialListSchema, query);
    trials.push(...page.items);
    if (page.items.length < PAGE) return trials;
  }
}
