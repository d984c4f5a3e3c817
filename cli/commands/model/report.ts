import type { Command } from "commander";
import { badFile } from "../../../sources/files/bad-file.ts";
import { versionNameOf } from "../../checkout/model-version.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { savePage } from "../../saved-page.ts";

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
  const page = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.getBytes(apiPath`/v1/models/${model}/versions/${version}/report`),
  );
  savePage(context, page, { given: given.out, otherwise: `${model}-${version}.html` });
}
