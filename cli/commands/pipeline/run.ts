import { relative } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { RunView } from "../../../schemas/runs/run.ts";
import { z } from "zod";
import { isPlatformError, PlatformError } from "../../../schemas/platform-error.ts";
import { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { safeText } from "../../output.ts";
import { gateLine } from "../../run/approval-card.ts";
import { numberText } from "../../run/evaluation-text.ts";
import { executeRun } from "../../run/execute-run.ts";
import { checkGzip, hashFiles, namesOf, openDataFolder } from "../../run/local-files.ts";
import { readPipelineText } from "../../run/pipeline-text.ts";
import { outcomeOf, runDocument, runError, runExitCode } from "../../run/run-document.ts";

interface RunOptions {
  readonly data: string;
  readonly approveAs?: string;
  readonly seed?: number;
  readonly json?: boolean;
  readonly wait: boolean;
}

const EXAMPLE = `
Example:
  $ aura run examples/milling/pipeline.yaml --data ../shared/data/ai4i --approve-as you@example.com

Ends with 0 promoted or unchanged, 2 bad input, 3 gate refused, 4 rejected or expired,
5 waiting for a decision with no terminal to ask on, 1 a fault.`;

/** `aura run`: files and a pipeline file become an approved, served model. */
export function registerRunCommand(program: Command): void {
  program
    .command("run")
    .description("train a model from files, ask for its approval, and serve it")
    .argument("<pipeline.yaml>", "the pipeline file")
    .requiredOption("--data <folder>", "folder that holds the files the pipeline names")
    .option("--approve-as <who>", "approve as this person instead of asking")
    .option("--seed <n>", "replaces split.seed of the pipeline file", parseSeed)
    .option("--no-wait", "start it and return")
    .option("--json", "print one JSON document at the end")
    .addHelpText("after", EXAMPLE)
    .action(async (file: string, options: RunOptions, command: Command) => {
      await run(contextOf(command), file, options);
    });
}

async function run(context: CliContext, file: string, options: RunOptions): Promise<void> {
  const { output, cwd, exitWith } = context;
  const started = performance.now();
  // All that can be found wrong here is found before anything is started or written.
  const { seed } = options;
  const { text, pipeline } = readPipelineText(file, { cwd, ...(seed === undefined ? {} : { seed }) });
  const { approveAs, wait } = options;
  if (approveAs !== undefined) checkApprover(pipeline.approval.approvers, approveAs);
  const folder = openDataFolder(options.data, cwd);
  const files = await hashFiles(folder, namesOf(pipeline, folder));
  await checkGzip(files);
  const request = { text, files, wait, ...(approveAs === undefined ? {} : { approveAs }) };
  const done = await withApi(context, { start: "always" }, async (connection) => {
    if (approveAs !== undefined) await requireNoKeys(connection, approveAs);
    const view = await executeRun(context, connection, request);
    tellWhatIsLeft(context, connection, { view, wait });
    return { view, isOwn: connection.isOwn, platformStartMs: connection.platformStartMs };
  });
  const totalMs = performance.now() - started;
  const { view } = done;
  if (options.json === true)
    output.json(runDocument(view, { totalMs, platformStartMs: done.platformStartMs }));
  else {
    showResult(context, view, totalMs);
    if (view.status === "finished" && runExitCode(view) === EXIT.ok)
      showNextSteps(context, { model: view.model, data: options.data, isOwn: done.isOwn });
  }
  const error = runError(view);
  if (error !== undefined) output.error(error);
  exitWith(runExitCode(view));
}

/** Hours of training would end at a decision that cannot count. @throws {PlatformError} config_invalid */
function checkApprover(approvers: readonly string[], approveAs: string): void {
  if (approvers.length === 0 || approvers.includes(approveAs)) return;
  throw refusedApprover(approveAs, `one of the approvers of the pipeline file: ${approvers.join(", ")}`);
}

/**
 * With keys a decision is its key owner's, and the one who asks may not decide.
 *
 * @throws {PlatformError} config_invalid: the API asks for a key
 */
async function requireNoKeys({ apiUrl }: Connection, approveAs: string): Promise<void> {
  try {
    await new ApiClient({ baseUrl: apiUrl }).get("/v1/approvals", z.unknown(), { limit: 1 });
  } catch (error) {
    // Whatever else is wrong, the run itself tells.
    if (!isPlatformError(error) || error.code !== "unauthenticated") return;
    const expected =
      "no --approve-as where the API has keys: another approver decides, with `aura approvals approve` and a key of their own";
    throw refusedApprover(approveAs, expected);
  }
}

function refusedApprover(found: string, expected: string): PlatformError {
  return new PlatformError("config_invalid", `--approve-as: expected ${expected}, found ${found}`, {
    locations: [{ field: "--approve-as", expected, found }],
  });
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("expected a whole number from 0");
}

export function tellWhatIsLeft(
  { output }: CliContext,
  connection: Connection,
  { view, wait }: { readonly view: RunView; readonly wait: boolean },
): void {
  const isOpen = view.status === "running" || view.status === "waiting";
  if (isOpen && connection.isOwn)
    output.note("the platform stops now; the run goes on at the next `aura up` or `aura run`");
  else if (isOpen && wait) output.note(`it waits: aura approvals show ${view.approvalId ?? ""}`);
  else if (isOpen) output.note(`it goes on: aura runs show ${view.runId}`);
}

/** The way on after a success: what a platform that ended with the command would leave to guess. */
function showNextSteps(
  { output, cwd, settings }: CliContext,
  given: { readonly model: string; readonly data: string; readonly isOwn: boolean },
): void {
  output.note("");
  if (given.isOwn) {
    const { stateDir } = settings();
    const folder = relative(cwd, stateDir) || stateDir;
    output.note(`The platform was stopped with this command; what it made is kept in ${folder}.`);
    output.note("  aura up                    serves the model until Ctrl-C (--detach: in the background)");
  }
  output.note(`  aura score ${safeText(given.model)} --data ${safeText(given.data)} --out fleet.csv`);
  output.note(`  aura models show ${safeText(given.model)}`);
}

/** Outcome, version and metrics of a run. */
export function showResult({ output }: CliContext, view: RunView, totalMs: number): void {
  const { model, version, digest } = view;
  const name = version === undefined ? model : `${model}@${version}`;
  const outcome = outcomeOf(view) ?? view.status;
  output.line(
    `${output.style("bold", outcome)}  ${name}  ${digest?.slice(0, 12) ?? ""}  (${(totalMs / 1000).toFixed(1)} s)`,
  );
  for (const set of ["test", "cv"] as const) {
    const metrics = Object.entries(view.metrics?.[set] ?? {});
    if (metrics.length === 0) continue;
    const text = metrics.map(([metric, value]) => `${metric} ${numberText(value)}`).join("  ");
    output.line(`${set.padEnd(5)} ${safeText(text)}`);
  }
  if (view.outcome !== "refused") return;
  for (const gate of view.gates ?? []) if (!gate.passed) output.note(gateLine(output, gate));
}
