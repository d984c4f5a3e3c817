import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { nearest } from "../../schemas/pipeline/reading/nearest.ts";
import { badFile } from "./bad-file.ts";
import { liveSourceOf } from "./live-files.ts";

/** A file with its place in the pipeline. */
export interface ResolvedFile {
  readonly name: string;
  readonly source: string;
  /** Name of the part, or ''. */
  readonly part: string;
  readonly assetPrefix: string;
}

/** Name under which the body of an HTTP source is stored as a raw file. */
export function httpFileName(source: string): string {
  return `http/${source}`;
}

/**
 * Which of the files named belong to the pipeline, in reading order: sources in the order of the file, groups in
 * their order, names within a group in code-unit order; then what was made of live readings. A name may serve several
 * sources.
 *
 * @param names paths relative to --data, with `/`
 * @throws {PlatformError} bad_file: a pattern that matches nothing, naming the nearest file; a file matched twice
 *   within one source
 */
export function resolveFiles(pipeline: Pipeline, names: readonly string[]): ResolvedFile[] {
  const all = [...new Set(names)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const sorted = all.filter((name) => liveSourceOf(name) === undefined);
  return Object.entries(pipeline.sources).flatMap(([source, spec]) => {
    const groups = spec.files ?? [{ path: httpFileName(source) }];
    const taken = new Set<string>();
    const live = all
      .filter((name) => liveSourceOf(name) === source)
      .map((name) => ({ name, source, part: "", assetPrefix: "" }));
    const given = groups.flatMap((group) => {
      const matches = sorted.filter(matcherOf(group.path));
      if (matches.length === 0) throw nothingMatches(source, group.path, sorted);
      for (const name of matches) {
        if (taken.has(name))
          throw badFile(name, { expected: `one group of sources.${source}.files`, found: "two" });
        taken.add(name);
      }
      return matches.map((name) => ({
        name,
        source,
        part: "part" in group ? (group.part ?? "") : "",
        assetPrefix: "assetPrefix" in group ? (group.assetPrefix ?? "") : "",
      }));
    });
    return [...given, ...live];
  });
}

function nothingMatches(source: string, path: string, names: readonly string[]): Error {
  const near = nearest(path, names);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  return badFile(path, { expected: `a file for sources.${source}${hint}`, found: "none" });
}

/**
 * Glob: `*` within one folder, `**` over folders, `?` one character; all else is literal. Dynamic programming over
 * pattern × name: no pattern, however many stars it has, takes longer than their product.
 */
export function matcherOf(pattern: string): (name: string) => boolean {
  const tokens = pattern.match(/\*\*\/|\*\*|[^]/gu) ?? [];
  return (name) => {
    const characters = Array.from(name);
    // reachable[i]: the tokens so far can match the first i characters.
    let reachable = characters.map(() => false);
    reachable.unshift(true);
    for (const token of tokens) reachable = step(token, characters, reachable);
    return reachable[characters.length] === true;
  };
}

function step(token: string, characters: readonly string[], before: readonly boolean[]): boolean[] {
  const after = before.map(() => false);
  for (let i = 0; i <= characters.length; i++) {
    const previous = characters[i - 1];
    if (token === "**") after[i] = before[i] === true || (i > 0 && after[i - 1] === true);
    else if (token === "**/")
      after[i] = before[i] === true || (previous === "/" && before.slice(0, i).includes(true));
    else if (token === "*")
      after[i] = before[i] === true || (previous !== "/" && i > 0 && after[i - 1] === true);
    else if (token === "?") after[i] = i > 0 && previous !== "/" && before[i - 1] === true;
    else after[i] = previous === token && before[i - 1] === true;
  }
  return after;
}
