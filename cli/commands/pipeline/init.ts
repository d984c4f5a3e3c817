import { existsSync, statSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { Command } from "commander";
import { packageRoot } from "../../../config/package-root.ts";
import { parsePipeline } from "../../../schemas/pipeline/parse.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { safeText } from "../../output.ts";
import { openDataFolder } from "../../run/local-files.ts";

interface InitOptions {
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

interface GivenFile {
  readonly name: string;
  readonly localPath: string;
}

/** `aura init`: looks at the user's files and writes a commented pipeline file that validates. */
export function registerInitCommand(program: Command): void {
  program
    .command("init")
    .description("look at your files and draft a pipeline file")
    .argument("<files...>", "CSV or JSON lines files, or one folder of them")
    .option("--out <file>", "where to write it", "pipeline.yaml")
    .option("--force", "replace an existing file without asking")
    .option("--json", "print what was guessed as JSON")
    .addHelpText("after", "\nExample:\n  $ aura init pumps/ --out pumps.yaml")
    .action(async (paths: string[], options: InitOptions, command: Command) => {
      await init(contextOf(command), paths, options);
    });
}

async function init(context: CliContext, paths: readonly string[], options: InitOptions): Promise<void> {
  const { output, cwd } = context;
  const { draftPipeline } = await import("../../../sources/profile/pipeline-text.ts");
  const { guessFile } = await import("../../../sources/profile/guess.ts");
  const { sampleFile } = await import("../../../sources/profile/sample-file.ts");
  const { root, files } = filesOf(paths, cwd);
  const guesses = [];
  for (const file of files) guesses.push(guessFile(await sampleFile(file)));
  const draft = draftPipeline(pipelineNameOf(root, files), guesses);
  const path = resolve(cwd, options.out);
  const text = `${schemaLine(dirname(path))}${draft.text}`;
  // A draft that does not pass its own check must not reach the user.
  parsePipeline(text, options.out);
  if (existsSync(path) && options.force !== true) await requireConsent(context, options.out);
  writeFileSync(path, text);
  if (options.json === true) {
    output.json({ pipeline: options.out, data: root, guesses: draft.guesses, checks: draft.checks });
    return;
  }
  output.line(`${output.style("bold", options.out)} is written. It says:`);
  for (const guess of draft.guesses) output.line(`  ${safeText(guess)}`);
  output.line("Please check:");
  for (const check of draft.checks) output.line(`  ${safeText(check)}`);
  output.line("  every line with CHECK, and units and ranges of the columns");
  const data = relative(cwd, root) || ".";
  output.line(`Then: aura validate ${options.out} --data ${data} && aura run ${options.out} --data ${data}`);
}

/** Tells editors where the schema is, relative to the new file; empty where this installation has no docs. */
function schemaLine(folder: string): string {
  const schema = join(packageRoot(), "docs", "pipeline.schema.json");
  if (!existsSync(schema)) return "";
  return `# yaml-language-server: $schema=${relative(folder, schema).split(sep).join("/")}\n`;
}

/** The files and the folder they are relative to: the one folder given, or the deepest that holds them all. */
function filesOf(paths: readonly string[], cwd: string): { root: string; files: GivenFile[] } {
  const absolute = paths.map((p) => resolve(cwd, p));
  const only = absolute.length === 1 ? absolute[0] : undefined;
  if (only !== undefined && statSync(only, { throwIfNoEntry: false })?.isDirectory() === true) {
    const folder = openDataFolder(only, cwd);
    const names = folder.names.filter(
      (n) => /\.(csv|tsv|txt|jsonl|ndjson)(\.gz)?$/i.test(n) && !/readme|licen[cs]e/i.test(n),
    );
    if (names.length === 0)
      throw new PlatformError("bad_file", `${paths[0] ?? ""}: expected CSV or JSON lines files, found none`);
    return { root: only, files: names.sort().map((name) => ({ name, localPath: join(only, name) })) };
  }
  const root = absolute.map((p) => dirname(p)).reduce((a, b) => commonFolder(a, b));
  const files = absolute.map((p) => ({ name: relative(root, p).split(sep).join("/"), localPath: p }));
  return { root, files };
}

function commonFolder(a: string, b: string): string {
  let folder = a;
  while (folder !== dirname(folder) && b !== folder && !b.startsWith(folder + sep)) folder = dirname(folder);
  return folder;
}

function pipelineNameOf(root: string, files: readonly GivenFile[]): string {
  const source = files.length === 1 ? (files[0]?.name ?? "") : basename(root);
  const name = basename(source)
    .replace(/\..*$/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return name === "" ? "my-pipeline" : name.slice(0, 64);
}

async function requireConsent(context: CliContext, out: string): Promise<void> {
  const refusal = new PlatformError(
    "conflict",
    `${out} is there already: choose another with --out, or --force`,
  );
  if (!context.isInteractive) throw refusal;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await prompt.question(`${out} is there already. Replace it? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw refusal;
  } finally {
    prompt.close();
  }
}
