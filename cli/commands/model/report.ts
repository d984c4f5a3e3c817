import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { badFile } from "../../../sources/files/bad-file.ts";
import { versionNameOf } from "../../checkout/model-version.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { safeText } from "../../output.ts";

interface ReportOptions {
  readonly out?: string;
}

/** `aura models report`: the page an approver reads, as a file that any browser opens. */
export function registerReport(models: Command): void {
  models
    .command("report")
    .description(
      "write the report of a version, one HTML page with metrics, plots, slices and checks, to a file",
    )
    .argument("<model@version>", "which version")
    .option("--out <file>", "where to (default: <model>-<version>.html in this folder)")
    .addHelpText("after", "\nExample:\n  $ aura models report turbofan@3 --out turbofan.html")
    .action(async (which: string, options: ReportOptions, command: Command) =>
      writeReport(contextOf(command), which, options),
    );
}

async function writeReport(context: CliContext, which: string, given: ReportOptions): Promise<void> {
  const name = versionNameOf(which);
  if (name === undefined) throw badFile(which, { expected: "model@version", found: "another text" });
  const { model, version } = name;
  const path = resolve(context.cwd, given.out ?? `${model}-${version}.html`);
  const page = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.getBytes(apiPath`/v1/models/${model}/versions/${version}/report`),
  );
  const partial = `${path}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(partial, page);
    renameSync(partial, path);
  } catch (cause) {
    throw badFile(given.out ?? path, { expected: "a file that can be written", found: String(cause) });
  } finally {
    rmSync(partial, { force: true });
  }
  context.output.line(safeText(path));
}
