import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { replayOptionsSchema, replayViewSchema } from "../../../schemas/runs/replay-life.ts";
import type { ReplayLife, ReplayOptions, ReplayView } from "../../../schemas/runs/replay-life.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { patient, untilResult } from "../../run/follow-run.ts";
import { checkGzip, hashFiles, namesOf, openDataFolder } from "../../run/local-files.ts";
import type { LocalFile } from "../../run/local-files.ts";
import { readPipelineText } from "../../run/pipeline-text.ts";
import { showReplay } from "../../run/replay-view.ts";
import { startWithFiles } from "../../run/upload.ts";
import { savePage } from "../../saved-page.ts";

interface Options {
  readonly data: string;
  readonly start?: string;
  readonly every?: string;
  readonly labelDelay?: string;
  readonly until?: string;
  readonly loop: boolean;
  readonly sharedCycles?: boolean;
  readonly seed?: number;
  readonly report?: string;
  readonly json?: boolean;
}

const startedSchema = z.looseObject({ id: z.string(), pipeline: z.string(), isNew: z.boolean() });

const NOTES = `
Nothing is registered or promoted. The same pipeline file, data and options give the same result, byte for byte.
Interrupted, it goes on by itself; the same command joins it.

Examples:
  $ aura replay-life examples/regime-change/pipeline.yaml --data fleet --every 7d --label-delay 1d
  $ aura replay-life pipeline.yaml --data fleet --start 2024-03-01T00:00:00Z --report life.html

Ends with 0 when it came through, 2 bad input (or a fleet without a time in common), 3 when the rules refuse the very
first model, 1 a fault.`;

/** `aura replay-life`: what the loop would have done to quality, on the user's own history. */
export function registerReplayLifeCommand(program: Command): void {
  program
    .command("replay-life")
    .description(
      "go through history as if live: train, score forward, retrain as the pipeline file says, with and without the loop",
    )
    .argument("<pipeline.yaml>", "the pipeline file")
    .requiredOption("--data <folder>", "folder that holds the files the pipeline names")
    .option(
      "--start <when>",
      "when the first model is trained: a share of the time span, or a time (default 40%)",
    )
    .option(
      "--every <span>",
      "length of a window, such as 7d (default: monitoring.window of the pipeline file)",
    )
    .option(
      "--label-delay <span>",
      "how long after it happened an outcome is known (default: performance.delay where failures are events, else 0)",
    )
    .option("--until <when>", "the last moment that is looked at (default: the last reading)")
    .option("--no-loop", "only the first model, which nothing ever replaces")
    .option("--shared-cycles", "time is a cycle that all assets count together")
    .option("--seed <n>", "replaces split.seed of the pipeline file", parseSeed)
    .option("--report <file>", "write the page with the plot to this file")
    .option("--json", "print the result as one JSON document")
    .addHelpText("after", NOTES)
    .action(async (file: string, options: Options, command: Command) =>
      replayLife(contextOf(command), file, options),
    );
}

function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("expected a whole number from 0");
}

async function replayLife(context: CliContext, file: string, given: Options): Promise<void> {
  const { output, cwd } = context;
  const { seed } = given;
  const { text, pipeline } = readPipelineText(file, { cwd, ...(seed === undefined ? {} : { seed }) });
  const options = optionsOf(given);
  const folder = openDataFolder(given.data, cwd);
  const files = await hashFiles(folder, namesOf(pipeline, folder));
  await checkGzip(files);
  const { result, page } = await withApi(context, { start: "always" }, async (connection) => {
    const { client } = connection;
    const found = await follow(context, connection, { text, files, options });
    const path = apiPath`/v1/pipelines/${found.pipeline}/replays/${found.id}/page`;
    return {
      result: found.result,
      page: given.report === undefined ? undefined : await client.getBytes(path),
    };
  });
  if (given.json === true) output.json(result);
  else showReplay(output, result);
  if (page !== undefined)
    savePage(context, page, {
      given: given.report,
      otherwise: "replay-life.html",
      isTold: given.json !== true,
    });
}

/** @throws {PlatformError} invalid_query: what no data could mean */
function optionsOf({ start, every, labelDelay, until, loop, sharedCycles }: Options): ReplayOptions {
  const parsed = replayOptionsSchema.safeParse({
    loop,
    ...(start === undefined ? {} : { start }),
    ...(every === undefined ? {} : { every }),
    ...(labelDelay === undefined ? {} : { labelDelay }),
    ...(until === undefined ? {} : { until }),
    ...(sharedCycles === undefined ? {} : { sharedCycles }),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = String(issue?.path[0] ?? "").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new PlatformError("invalid_query", `--${flag}: ${issue?.message ?? "not valid"}`);
}

interface Question {
  readonly text: string;
  readonly files: readonly LocalFile[];
  readonly options: ReplayOptions;
}

async function follow(
  { output }: CliContext,
  { client, signal, isOwn }: Connection,
  { text, files, options }: Question,
): Promise<{ readonly id: string; readonly pipeline: string; readonly result: ReplayLife }> {
  const { id, pipeline, isNew } = await startWithFiles(files, { client, output }, (raw) =>
    client.post("/v1/replays", { reply: startedSchema, body: { pipeline: text, files: raw, options } }),
  );
  output.note(`replay ${id}${isNew ? "" : ": joined, it runs already"}`);
  const path = apiPath`/v1/pipelines/${pipeline}/replays/${id}`;
  const read = patient(() => client.get(path, replayViewSchema), { signal, awaited: [] });
  const began = performance.now();
  let shown = "";
  const ask = async (): Promise<ReplayView> => {
    const view = await read();
    const seconds = Math.round((performance.now() - began) / 1_000);
    const { stage = "starting" } = view;
    if (output.hasLiveLine) output.progress(`${bar(stage)} ${stage} ${seconds} s`);
    else if (stage !== shown && stage.startsWith("window")) output.note(`${stage} (${seconds} s)`);
    shown = stage;
    return view;
  };
  try {
    const result = await untilResult(ask, { signal });
    output.endProgress();
    return { id, pipeline, result };
  } catch (error) {
    if (signal.aborted)
      output.note(
        `the replay is not ended and goes on${isOwn ? " at the next start" : ""}; the same command joins it`,
      );
    throw error;
  }
}

const BAR_WIDTH = 18;

/** Windows are what time goes by. */
function bar(stage: string): string {
  const [, at, of] = /^window (\d+) of (\d+)$/.exec(stage) ?? [];
  const share = at === undefined || of === undefined ? undefined : Number(at) / Number(of);
  if (share === undefined) return "·".repeat(BAR_WIDTH);
  const filled = Math.round(share * BAR_WIDTH);
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}
