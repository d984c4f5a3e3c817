import { join } from "node:path";
import type { Command } from "commander";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { contextOf } from "../context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { namesOf, openDataFolder } from "../run/local-files.ts";
import type { DataFolder } from "../run/local-files.ts";
import { readPipelineText } from "../run/pipeline-text.ts";

interface ValidateOptions {
  readonly data?: string;
  readonly json?: boolean;
}

/** `aura validate`: says what is wrong with a pipeline file, all of it at once; ends with 2 when something is. */
export function registerValidateCommand(program: Command): void {
  program
    .command("validate")
    .description("check a pipeline file, and with --data the files it names")
    .argument("<pipeline.yaml>", "the pipeline file")
    .option("--data <folder>", "also check that the files are there and have the declared columns")
    .option("--json", "print the result as one JSON document")
    .action(async (file: string, options: ValidateOptions, command: Command) => {
      const { output, cwd, exitWith } = contextOf(command);
      try {
        const { pipeline } = readPipelineText(file, { cwd });
        const files =
          options.data === undefined ? [] : await checkFiles(pipeline, openDataFolder(options.data, cwd));
        if (options.json === true) output.json({ valid: true, name: pipeline.name, files, errors: [] });
        else output.line(`${file} is valid${files.length === 0 ? "" : ` and its ${files.length} files fit`}`);
      } catch (error) {
        if (options.json !== true || !(error instanceof PlatformError)) throw error;
        const { code, message, locations } = error;
        output.json({ valid: false, code, message, errors: locations });
        exitWith(exitCodeOf(error));
      }
    });
}

/** Headers against the declaration; rows are looked at by ingest. */
async function checkFiles(pipeline: Pipeline, folder: DataFolder): Promise<readonly string[]> {
  const { checkHeader } = await import("../../sources/files/check-header.ts");
  const { resolveFiles } = await import("../../sources/files/resolve-files.ts");
  const names = namesOf(pipeline, folder);
  const faults: ErrorLocation[] = [];
  const { maxSchemaDrift } = pipeline.quality;
  const fromFiles = Object.entries(pipeline.sources).filter(([, source]) => source.files !== undefined);
  for (const resolved of resolveFiles({ ...pipeline, sources: Object.fromEntries(fromFiles) }, names)) {
    const source = pipeline.sources[resolved.source];
    if (source === undefined) continue;
    const file = { name: resolved.name, localPath: join(folder.root, resolved.name) };
    faults.push(...(await checkHeader(file, { source, maxSchemaDrift })));
  }
  const [first] = faults;
  if (first === undefined) return names;
  const message = `${first.file ?? "file"}: expected ${first.expected ?? ""}, found ${first.found ?? ""}`;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  throw new PlatformError("bad_file", message + more, { locations: faults });
}
