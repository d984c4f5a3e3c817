import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import type { Command } from "commander";
import { packageRoot } from "../../../config/package-root.ts";
import { modelNameOf } from "../../../schemas/pipeline/pipeline.ts";
import type { RunView } from "../../../schemas/runs/run.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { demoFolder, makeFleet } from "../../demo/fleet.ts";
import type { DemoFleet } from "../../demo/fleet.ts";
import { askAboutAsset, showAnswer } from "../../demo/prediction.ts";
import type { TracedAnswer } from "../../demo/prediction.ts";
import { shiftFleet } from "../../demo/shift.ts";
import type { Output } from "../../output.ts";
import { executeRun } from "../../run/execute-run.ts";
import { hashFiles, namesOf, openDataFolder } from "../../run/local-files.ts";
import { readPipelineText } from "../../run/pipeline-text.ts";
import type { PipelineText } from "../../run/pipeline-text.ts";
import { runDocument, runError, runExitCode } from "../../run/run-document.ts";
import { showFleet, showWarnings } from "../../fleet-view.ts";
import { scoreFleet } from "../../score-fleet.ts";
import type { FleetScore } from "../../score-fleet.ts";

interface DemoOptions {
  readonly keep?: boolean;
  readonly shift?: boolean;
  readonly json?: boolean;
}

/** Who approves where there is no terminal to ask on. */
const DEMO_APPROVER = "demo";
const RANKED_SHOWN = 8;

const EXAMPLE = `
Example:
  $ npm run demo

A second start on the same state finds all it left. With --shift, see docs/drift-demo.md.`;

/** `aura demo`: the whole way once, on synthetic substations: files, model, approval, ranking, answer, lineage. */
export function registerDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("train on a synthetic fleet, approve, rank the fleet, predict, and trace the answer")
    .option("--keep", "stay up until Ctrl-C or `aura down` (default on a terminal)")
    .option("--no-keep", "stop what was started at the end (default without one)")
    .option("--shift", "afterwards send shifted readings until the drift is confirmed and a retrain starts")
    .option("--json", "print run, ranking, prediction and lineage as one JSON document at the end")
    .addHelpText("after", EXAMPLE)
    .action(async (options: DemoOptions, command: Command) => demo(contextOf(command), options));
}

async function demo(context: CliContext, options: DemoOptions): Promise<void> {
  const { output, isInteractive } = context;
  const started = performance.now();
  const file = join(packageRoot(), "examples", "substation", "pipeline.yaml");
  const pipeline = readPipelineText(file, { cwd: context.cwd });
  const model = modelNameOf(pipeline.pipeline);
  const isShown = options.json !== true;
  await withApi(context, { start: "always" }, async (connection) => {
    const fleet = await makeDemoFleet(context);
    const view = await train(context, connection, { pipeline, fleet });
    const { platformStartMs } = connection;
    const run = runDocument(view, { platformStartMs, totalMs: performance.now() - started });
    if (isShown)
      output.line(`${output.style("bold", run.outcome ?? view.status)}: ${model}@${run.version ?? "-"}`);
    const answers = run.promoted ? await askFleet(context, connection, { model, fleet, isShown }) : {};
    if (!run.promoted) context.exitWith(runExitCode(view));
    else if (options.shift === true) await shiftFleet(context, connection, model);
    const urls = urlsOf(connection);
    if (isShown) showUrls(output, urls);
    else output.json({ run, ...answers, urls });
    if (!connection.isOwn) return;
    if (options.keep ?? isInteractive) await stayUp(output, connection.signal);
    else
      output.note("the platform stops with this command; `aura up` serves what it made, at these addresses");
  });
}

async function makeDemoFleet({ output, settings }: CliContext): Promise<DemoFleet> {
  const folder = demoFolder(settings().stateDir);
  mkdirSync(folder, { recursive: true });
  const fleet = await makeFleet(join(folder, "fleet"));
  output.note(`${fleet.assets.length} synthetic substations in ${fleet.folder}`);
  return fleet;
}

/** @throws {PlatformError} the failure of the run: a demo that fails is a fault */
async function train(
  context: CliContext,
  connection: Connection,
  { pipeline, fleet }: { readonly pipeline: PipelineText; readonly fleet: DemoFleet },
): Promise<RunView> {
  const folder = openDataFolder(fleet.folder, context.cwd);
  const files = await hashFiles(folder, namesOf(pipeline.pipeline, folder), connection.signal);
  const approveAs = context.isInteractive ? {} : { approveAs: DEMO_APPROVER };
  const view = await executeRun(context, connection, {
    text: pipeline.text,
    files,
    wait: true,
    ...approveAs,
  });
  const error = runError(view);
  if (error !== undefined) throw error;
  return view;
}

interface DemoAnswers {
  readonly ranking: FleetScore;
  readonly prediction: TracedAnswer;
}

/** Ranks the fleet, then asks about the most urgent asset. */
async function askFleet(
  context: CliContext,
  connection: Connection,
  { model, fleet, isShown }: { readonly model: string; readonly fleet: DemoFleet; readonly isShown: boolean },
): Promise<DemoAnswers> {
  const { output, cwd, settings } = context;
  const folder = openDataFolder(fleet.folder, cwd);
  const files = await hashFiles(folder, folder.names, connection.signal);
  const ranking = await scoreFleet(connection, { output, model, files });
  if (isShown) {
    output.line();
    output.line(output.style("bold", "Which substation fails within 72 hours:"));
    showFleet(output, ranking, RANKED_SHOWN);
    showWarnings(output, ranking);
  }
  const asset = ranking.rows[0]?.asset ?? fleet.assets[0] ?? "";
  const body = fleet.requestOf(asset, fleet.readingsOf(asset));
  const question = { model, body, file: join(demoFolder(settings().stateDir), "request.json"), cwd };
  const prediction = await askAboutAsset(output, connection, question);
  if (isShown) showAnswer(output, question, prediction);
  return { ranking, prediction };
}

type DemoUrls = Readonly<Record<string, string>>;

function urlsOf({ apiUrl, temporalUiUrl }: Connection): DemoUrls {
  const temporal = temporalUiUrl === undefined ? {} : { "Temporal UI": temporalUiUrl };
  return { API: apiUrl, "API docs": `${apiUrl}/docs`, metrics: `${apiUrl}/metrics`, ...temporal };
}

function showUrls(output: Output, urls: DemoUrls): void {
  output.line();
  for (const [name, url] of Object.entries(urls)) output.line(`${name.padEnd(13)}${url}`);
}

async function stayUp(output: Output, signal: AbortSignal): Promise<void> {
  output.note("");
  output.note("everything stays up until Ctrl-C or `aura down`");
  if (!signal.aborted) await once(signal, "abort");
}
