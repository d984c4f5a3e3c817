import { join, resolve } from "node:path";
import type { Command } from "commander";
import {
  fileNameOf,
  modelPointer,
  readModelFiles,
  versionFrom,
  versionNameOf,
} from "../../checkout/model-version.ts";
import { makeFolder } from "../../checkout/make-folder.ts";
import { writeFile } from "../../checkout/write-parts.ts";
import { badFile } from "../../../sources/files/bad-file.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";

interface CheckoutOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** `aura models pointer | checkout`: the files of a version, and what stands for them in Git. */
export function registerModelFiles(models: Command): void {
  models
    .command("pointer")
    .description("print a pointer to a version: a few lines that belong into Git in the place of its files")
    .argument("<model@version>", "which version")
    .addHelpText("after", "\nExample:\n  $ aura models pointer turbofan@3 > turbofan.aura.json")
    .action(async (which: string, _options: object, command: Command) => pointer(contextOf(command), which));
  models
    .command("checkout")
    .description(
      "write the ONNX file, signature, card … of a version to a folder, each checked against its hash",
    )
    .argument("<model@version|file>", "which version, or a pointer file")
    .requiredOption("--out <folder>", "where to; what is there and right already is kept")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", "\nExample:\n  $ aura models checkout turbofan.aura.json --out models/turbofan")
    .action(async (which: string, options: CheckoutOptions, command: Command) =>
      checkout(contextOf(command), which, options),
    );
}

async function pointer(context: CliContext, which: string): Promise<void> {
  const name = versionNameOf(which);
  if (name === undefined) throw badFile(which, { expected: "model@version", found: "another text" });
  const files = await withApi(context, { start: "if-made" }, ({ client }) => readModelFiles(client, name));
  context.output.json(modelPointer(files));
}

async function checkout(context: CliContext, which: string, { out, json }: CheckoutOptions): Promise<void> {
  const { output, cwd } = context;
  const folder = resolve(cwd, out);
  const wanted = versionFrom(which, resolve(cwd, which));
  const done = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const { model, version, digest, manifest } = await readModelFiles(client, wanted);
    makeFolder(folder, out);
    const files: { file: string; bytes: number; sha256: string }[] = [];
    for (const [role, { sha256, bytes }] of Object.entries(manifest.files)) {
      const file = fileNameOf(role);
      output.progress(`checking out ${file}`);
      const from = apiPath`/v1/models/${model}/versions/${version}/files/${sha256}`;
      await writeFile(client, { from, sha256, path: join(folder, file) });
      files.push({ file, bytes, sha256 });
    }
    output.endProgress();
    return { model, version, digest, files };
  });
  if (json === true) output.json({ ...done, out });
  else
    output.table(
      ["file", "bytes", "sha256"],
      done.files.map(({ file, bytes, sha256 }) => [file, String(bytes), sha256]),
    );
}
