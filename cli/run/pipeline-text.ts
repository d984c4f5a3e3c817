import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseDocument } from "yaml";
import { TRAINER_CHECKS } from "../../sources/candidate-checks.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** A pipeline file that was read and checked here. */
export interface PipelineText {
  readonly text: string;
  readonly pipeline: Pipeline;
}

export interface ReadPipelineOptions {
  readonly cwd: string;
  /** Replaces `split.seed`; the rest of the text, comments included, stays. */
  readonly seed?: number;
}

const MAX_BYTES = 1_000_000;

/**
 * @param file  as the user gave it; stands in every location
 * @throws {PlatformError} bad_file: it is not there; invalid_pipeline: it cannot be read, or is wrong
 */
export function readPipelineText(file: string, { cwd, seed }: ReadPipelineOptions): PipelineText {
  const text = readText(file, cwd);
  const { pipeline } = parsePipeline(text, file, TRAINER_CHECKS);
  if (seed === undefined) return { text, pipeline };
  const document = parseDocument(text);
  document.setIn(["split", "seed"], seed);
  const seeded = document.toString();
  return { text: seeded, pipeline: parsePipeline(seeded, file, TRAINER_CHECKS).pipeline };
}

function readText(file: string, cwd: string): string {
  const path = resolve(cwd, file);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new PlatformError("bad_file", `${file}: expected a pipeline file, found nothing there`);
  if (!found.isFile()) throw unreadable(file, "not a file");
  if (found.size > MAX_BYTES) throw unreadable(file, `${found.size} bytes`);
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(file, "a file that cannot be read", cause);
  }
}

function unreadable(file: string, found: string, cause?: unknown): PlatformError {
  const expected = `a pipeline file of at most ${MAX_BYTES} bytes`;
  return new PlatformError("invalid_pipeline", `${file}: expected ${expected}, found ${found}`, {
    cause,
    locations: [{ file, expected, found }],
  });
}
