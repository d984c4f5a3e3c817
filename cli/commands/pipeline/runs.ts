import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { runViewSchema } from "../../../schemas/runs/run.ts";
import type { RunView } from "../../../schemas/runs/run.ts";
import { trialCurvesSchema, trialListSchema } from "../../../schemas/runs/trial.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { locationsToShow, locationText, safeText } from "../../output.ts";
import { parseLimit, showListAt, timeText } from "../../list-view.ts";
import { gateLine } from "../../run/approval-card.ts";
import { numberText } from "../../run/evaluation-text.ts";
import { registerCompareCommand } from "./compare-runs.ts";
import { allTrials, registerExportCommand } from "./export-run.ts";
import { followRun } from "../../run/follow-run.ts";
import { runIdFrom } from "../../run/run-id.ts";
import { waitingText } from "../../run/waiting-text.ts";
import { outcomeOf } from "../../run/run-document.ts";
import { showTrial } from "../../run/search-plots.ts";
import { showTrials } from "../../run/trial-text.ts";

interface ListOptions {
  readonly model?: string;
  readonly pipeline?: string;
  readonly limit: number;
  readonly json?: boolean;
}

interface ShowOptions {
  readonly trial?: number;
  readonly candidate?: string;
  readonly json?: boolean;
}

function parseTrialNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("expected the number of a trial, e.g. 12.");
  return Number(text);
}

/** `aura runs`: pipeline runs of the past and the present. */
export function registerRunsCommand(program: Command): void {
  const runs = program.command("runs").description("list, look at, compare, export and cancel pipeline runs");
  runs
    .command("list")
    .description("runs, newest first")
    .option("--model <name>", "of this model only")
    .option("--pipeline <name>", "of this pipeline only")
    .option("--limit <n>", "at most so many", parseLimit, 20)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura runs list --model turbofan")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  runs
    .command("show")
    .description("one run: stages, metrics, gates, error")
    .argument("<id>", "id of the run, or its first 6 digits or more")
    .option("--trial <number>", "this trial of its search, with its learning curve", parseTrialNumber)
    .option("--candidate <name>", "with --trial: of this candidate, where several are searched")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura runs show 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3 --trial 12")
    .action(async (id: string, options: ShowOptions, command: Command) =>
      options.trial === undefined
        ? show(contextOf(command), id, options)
        : showOneTrial(contextOf(command), id, { ...options, trial: options.trial }),
    );
  registerCompareCommand(runs);
  registerExportCommand(runs);
  runs
    .command("cancel")
    .description("stop a run, also one that waits for its approval")
    .argument("<id>", "id of the run, or its first 6 digits or more")
    .option("--json", "print the run as JSON")
    .addHelpText("after", "\nExample:\n  $ aura runs cancel 01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3")
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      cancel(contextOf(command), id, options),
    );
}

async function list(context: CliContext, { json, model, pipeline, limit }: ListOptions): Promise<void> {
  await showListAt(context, {
    path: "/v1/runs",
    row: runViewSchema,
    query: { model, pipeline, limit },
    json,
    empty: "there are no runs",
    columns: [
      ["run", (run) => run.runId],
      ["pipeline", (run) => run.pipeline],
      ["state", (run) => outcomeOf(run) ?? run.status],
      ["version", (run) => (run.version === undefined ? "-" : `${run.model}@${run.version}`)],
      ["started", (run) => timeText(run.startedAt)],
      ["by", (run) => run.requestedBy],
    ],
  });
}

async function show(
  context: CliContext,
  given: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { run, trials } = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const id = await runIdFrom(client, given);
    return {
      run: await client.get(apiPath`/v1/runs/${id}`, runViewSchema),
      trials: await client.get(apiPath`/v1/runs/${id}/trials`, trialListSchema),
    };
  });
  if (json === true) {
    context.output.json(trials.items.length === 0 ? run : { ...run, searches: trials.searches });
    return;
  }
  describe(context, run);
  showTrials(context.output, trials);
}

async function showOneTrial(
  context: CliContext,
  given: string,
  { trial: number, candidate, json }: ShowOptions & { readonly trial: number },
): Promise<void> {
  const { trial, curves } = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const id = await runIdFrom(client, given);
    const trials = await allTrials(client, id, candidate);
    const found = trials.filter((one) => one.number === number);
    const [only] = found;
    if (only === undefined || found.length > 1) {
      const why =
        only === undefined
          ? "there is none"
          : `several have one: ${found.map((one) => one.candidate).join(", ")}`;
      throw new PlatformError("not_found", `show trial ${number} of run [${id}]: ${why}`);
    }
    const path = apiPath`/v1/runs/${id}/trials/${only.candidate}/${number}/curves`;
    return { trial: only, curves: await client.get(path, trialCurvesSchema) };
  });
  if (json === true) context.output.json({ ...trial, curves: curves.folds });
  else showTrial(context.output, trial, curves);
}

function describe({ output }: CliContext, run: RunView): void {
  const version = run.version === undefined ? "" : `  ${run.model}@${run.version}  ${run.digest ?? ""}`;
  output.line(`${output.style("bold", outcomeOf(run) ?? run.status)}${version}`);
  output.line(
    `started ${timeText(run.startedAt)} by ${safeText(run.requestedBy)}, workflow ${run.workflowId}`,
  );
  if (run.dataset !== undefined) output.line(`dataset ${run.dataset}`);
  if (run.approvalId !== undefined) output.line(`approval ${run.approvalId}`);
  if (run.waitsFor !== undefined) output.line(safeText(waitingText(run.waitsFor)));
  if (run.error !== undefined) {
    const { code, message, locations = [] } = run.error;
    output.line(`error ${code}: ${safeText(message)}`);
    for (const location of locationsToShow({ message, locations }))
      output.line(`  ${locationText(location)}`);
  }
  output.line();
  output.table(
    ["stage", "state", "seconds", "detail"],
    run.stages.map((stage) => {
      const seconds = stage.ms === undefined ? "" : (stage.ms / 1000).toFixed(1);
      return [stage.stage, stage.state, seconds, stage.detail ?? ""];
    }),
  );
  if (run.metrics !== undefined) {
    const { test, cv } = run.metrics;
    output.line();
    output.table(
      ["metric", "test", "cv"],
      Object.keys({ ...test, ...cv }).map((name) => [name, numberText(test[name]), numberText(cv[name])]),
    );
  }
  if (run.gates === undefined) return;
  output.line();
  for (const gate of run.gates) output.line(gateLine(output, gate));
}

async function cancel(
  context: CliContext,
  given: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { output } = context;
  await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
    const id = await runIdFrom(client, given);
    await client.post(apiPath`/v1/runs/${id}/cancel`, { reply: z.looseObject({}) });
    output.progress("waiting until its present step has let go");
    const run = await followRun(client, id, { signal });
    output.endProgress();
    if (json === true) output.json(run);
    else output.line(`${run.runId} is ${run.status}`);
  });
}
