import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import type { CodeVersion } from "../../../schemas/code-version.ts";
import { reproductionViewSchema } from "../../../schemas/runs/reproduction.ts";
import type { Reproduction } from "../../../schemas/runs/reproduction.ts";
import { versionNameOf } from "../../checkout/model-version.ts";
import type { VersionName } from "../../checkout/model-version.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import type { Output } from "../../output.ts";
import { untilResult } from "../../run/follow-run.ts";

const startedSchema = z.looseObject({ workflowId: z.string(), runId: z.string(), isNew: z.boolean() });

const NOTES = `
Ends with 0 when every file came out byte for byte, 3 when something differs.

Example:
  $ aura reproduce turbofan@3`;

/** `aura reproduce`: train a version again and compare the bytes. */
export function registerReproduceCommand(program: Command): void {
  program
    .command("reproduce")
    .description("train a version again from its recorded data, parameters and seed, and compare the bytes")
    .argument("<model@version>", "which version", parseVersionName)
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", NOTES)
    .action(async (name: VersionName, options: { json?: boolean }, command: Command) =>
      reproduce(contextOf(command), name, options),
    );
}

function parseVersionName(text: string): VersionName {
  const name = versionNameOf(text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError("Expected model@version, such as turbofan@3.");
}

async function reproduce(
  context: CliContext,
  name: VersionName,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { output } = context;
  const result = await withApi(context, { start: "if-made" }, (connection) =>
    follow(connection, output, name),
  );
  if (json === true) output.json(result);
  else show(output, result);
  if (!result.equal) context.exitWith(EXIT.different);
}

async function follow(
  { client, signal }: Connection,
  output: Output,
  { model, version }: VersionName,
): Promise<Reproduction> {
  const path = apiPath`/v1/models/${model}/versions/${version}/reproduction`;
  const { workflowId, isNew } = await client.post(path, { reply: startedSchema });
  output.progress(`${isNew ? "training" : "joined: training"} ${model}@${version} again (${workflowId})`);
  const result = await untilResult(() => client.get(path, reproductionViewSchema), { signal });
  output.endProgress();
  return result;
}

function show(output: Output, reproduction: Reproduction): void {
  const { model, version, equal, digest, files, stages, code, searches } = reproduction;
  const verdict = equal ? "came out byte for byte" : "came out different";
  output.line(`${model}@${version} ${verdict}, digest ${digest.reproduced.slice(0, 12)}`);
  output.line();
  output.table(
    ["file", "stage", "recorded", "again", "equal"],
    files.map((file) => [
      file.name,
      file.stage,
      shortHash(file.recorded),
      shortHash(file.reproduced),
      file.equal ? "yes" : "NO",
    ]),
  );
  output.line();
  for (const { candidate, number, trials } of searches)
    output.line(`search: ${candidate} with the recorded parameters of trial ${number} of ${trials}`);
  for (const stage of stages) output.line(`${stage.stage}: ${stage.detail}`);
  output.line(codeText(code));
}

const shortHash = (hash: string | null): string => (hash === null ? "-" : hash.slice(0, 12));

function codeText({ recorded, now, equal }: Reproduction["code"]): string {
  if (recorded === null) return `code: not recorded with the version; now ${describeCode(now)}`;
  if (equal === true) return `code: the same, ${describeCode(now)}`;
  return `code: recorded ${describeCode(recorded)}; now ${describeCode(now)}`;
}

function describeCode({ release, sources, node, platform }: CodeVersion): string {
  return `AURA ${release} (${sources.slice(0, 12)}), Node.js ${node}, ${platform}`;
}
