import { join } from "node:path";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { Pipeline } from "../../../schemas/pipeline/pipeline.ts";
import { contextOf } from "../../context.ts";
import { exitCodeOf } from "../../exit-codes.ts";
import { safeText } from "../../output.ts";
import { namesOf, openDataFolder } from "../../run/local-files.ts";
import type { DataFolder } from "../../run/local-files.ts";
import { readPipelineText } from "../../run/pipeline-text.ts";
import { searchNotes } from "../../run/search-notes.ts";

interface ValidateOptions {
  readonly data?: string;
  readonly json?: boolean;
}

/** `aura validate`: says what is wrong with a pipeline file, all of it at once; ends with 2 when something is. Notes change nothing. */
export function registerValidateCommand(program: Command): void {
  program
    .command("validate")
    .description("check a pipeline file, and with --data the files it names")
    .argument("<pipeline.yaml>", "the pipeline file")
    .option(
      "--data <folder>",
      "also look into the files: columns, the first rows, and that an event is a failure",
    )
    .option("--json", "print the result as one JSON document")
    .addHelpText("after", "\nExample:\n  $ aura validate pipeline.yaml --data pumps")
    .action(async (file: string, options: ValidateOptions, command: Command) => {
      const { output, cwd, exitWith } = contextOf(command);
      try {
        const { pipeline } = readPipelineText(file, { cwd });
        const notes = [...searchNotes(pipeline)];
        const note = (text: string): number => notes.push(text);
        const files =
          options.data === undefined
            ? []
            : await checkFiles(pipeline, openDataFolder(options.data, cwd), note);
        if (options.json === true) {
          output.json({ valid: true, name: pipeline.name, files, errors: [], notes });
          return;
        }
        for (const text of notes) output.note(`note: ${safeText(text)}`);
        output.line(`${file} is valid${files.length === 0 ? "" : fitText(files.length)}`);
      } catch (error) {
        if (options.json !== true || !(error instanceof PlatformError)) throw error;
        const { code, message, locations } = error;
        output.json({ valid: false, code, message, errors: locations });
        exitWith(exitCodeOf(error));
      }
    });
}

function fitText(nFiles: number): string {
  return ` and its ${nFiles} files fit, as far as up to 20,000 rows of each show`;
}

/** Columns against the declaration, and the beginning of the rows; the rest is looked at by ingest. */
async function checkFiles(
  pipeline: Pipeline,
  folder: DataFolder,
  note: (text: string) => void,
): Promise<readonly string[]> {
  const { checkSample } = await import("../../../sources/ingest/check-sample.ts");
  const { sentencesOf } = await import("../../../sources/ingest/quality.ts");
  const { resolveFiles } = await import("../../../sources/files/resolve-files.ts");
  const names = namesOf(pipeline, folder);
  const fromFiles = Object.entries(pipeline.sources).filter(([, source]) => source.files !== undefined);
  const resolved = resolveFiles({ ...pipeline, sources: Object.fromEntries(fromFiles) }, names);
  const sources = fromFiles.map(([name]) => ({
    name,
    files: resolved
      .filter((file) => file.source === name)
      .map((file) => ({ name: file.name, localPath: join(folder.root, file.name) })),
  }));
  const found = await checkSample(pipeline, sources, note);
  if (found === undefined) return names;
  throw new PlatformError(found.code, sentencesOf(found.faults), { locations: found.faults });
}
