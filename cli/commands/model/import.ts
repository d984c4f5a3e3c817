import { readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Command } from "commander";
import { importSignatureSchema } from "../../../schemas/models/model-import.ts";
import type { ImportSignature } from "../../../schemas/models/model-import.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { badFile } from "../../../sources/files/bad-file.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { executeRun } from "../../run/execute-run.ts";
import type { RunRequest } from "../../run/execute-run.ts";
import { hashFiles, namesOf, openDataFolder } from "../../run/local-files.ts";
import { readPipelineText } from "../../run/pipeline-text.ts";
import { runDocument, runError, runExitCode } from "../../run/run-document.ts";
import { showResult, tellWhatIsLeft } from "../pipeline/run.ts";

interface ImportOptions {
  readonly signature: string;
  readonly name: string;
  readonly pipeline?: string;
  readonly data?: string;
  readonly approveAs?: string;
  readonly json?: boolean;
  readonly wait: boolean;
}

const NOTES = `
Without --pipeline it is judged on the data and the frozen holdout of the model's champion.

Example:
  $ aura models import model.onnx --signature sig.json --name milling \\
      --pipeline examples/milling/pipeline.yaml --data ../shared/data/ai4i

Ends as \`aura run\` does.`;

/** `aura models import`: a model from elsewhere through the checks, evaluation, gates and approval of a run. */
export function registerImport(models: Command): void {
  models
    .command("import")
    .description("take an ONNX file trained elsewhere through checks, evaluation, gates and approval")
    .argument("<model.onnx>", "the file")
    .requiredOption("--signature <sig.json>", "names of its inputs, and which output counts")
    .requiredOption("--name <model>", "name of the model")
    .option("--pipeline <pipeline.yaml>", "the pipeline file that says what it is judged on")
    .option("--data <folder>", "folder that holds the files the pipeline names")
    .option("--approve-as <who>", "approve as this person instead of asking")
    .option("--no-wait", "start it and return")
    .option("--json", "print one JSON document at the end")
    .addHelpText("after", NOTES)
    .action(async (file: string, options: ImportOptions, command: Command) => {
      await importModel(contextOf(command), file, options);
    });
}

async function importModel(context: CliContext, file: string, options: ImportOptions): Promise<void> {
  const { output, exitWith } = context;
  const started = performance.now();
  const request = await requestOf(context, file, options);
  const { wait } = options;
  const done = await withApi(context, { start: "always" }, async (connection) => {
    const view = await executeRun(context, connection, request);
    tellWhatIsLeft(context, connection, { view, wait });
    return { view, platformStartMs: connection.platformStartMs };
  });
  const { view, platformStartMs } = done;
  const totalMs = performance.now() - started;
  if (options.json === true) output.json(runDocument(view, { totalMs, platformStartMs }));
  else showResult(context, view, totalMs);
  const error = runError(view);
  if (error !== undefined) output.error(error);
  exitWith(runExitCode(view));
}

/** All that can be found wrong here is found before anything is started or sent. */
async function requestOf({ cwd }: CliContext, file: string, options: ImportOptions): Promise<RunRequest> {
  const { name: model, approveAs, wait } = options;
  const signature = readSignature(options.signature, cwd);
  const path = resolve(cwd, file);
  const [onnx] = await hashFiles({ root: dirname(path), names: [] }, [basename(path)]);
  if (onnx === undefined) throw badFile(file, { expected: "an ONNX file", found: "nothing" });
  const imported = { model, onnx, signature };
  const common = { imported, wait, ...(approveAs === undefined ? {} : { approveAs }) };
  if (options.pipeline === undefined) {
    if (options.data === undefined) return { ...common, files: [] };
    throw optionMissing("--pipeline", "the pipeline file that reads --data");
  }
  if (options.data === undefined) throw optionMissing("--data", "the folder with the pipeline's files");
  const { text, pipeline } = readPipelineText(options.pipeline, { cwd });
  const folder = openDataFolder(options.data, cwd);
  return { ...common, text, files: await hashFiles(folder, namesOf(pipeline, folder)) };
}

function optionMissing(field: string, expected: string): PlatformError {
  return new PlatformError("config_invalid", `import model: expected ${field}, ${expected}`, {
    locations: [{ field, expected, found: "nothing" }],
  });
}

/** @throws {PlatformError} bad_file, naming the field */
function readSignature(name: string, cwd: string): ImportSignature {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(resolve(cwd, name), "utf8"));
  } catch (cause) {
    throw badFile(name, { expected: "a JSON file", found: "none that can be read", cause });
  }
  const parsed = importSignatureSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join(".") || "(file)";
  throw badFile(name, { expected: `a signature [${field}]`, found: issue?.message ?? "another document" });
}
