import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { gateResultSchema } from "../../../schemas/models/model-version.ts";
import { NAME_PATTERN } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import { junitOf } from "../../junit.ts";
import type { Output } from "../../output.ts";
import { saveFile } from "../../saved-page.ts";

interface GateOptions {
  readonly metric?: string;
  readonly min?: number;
  readonly max?: number;
  readonly on?: string;
  readonly junit?: string;
  readonly json?: boolean;
}

interface Subject {
  readonly model: string;
  /** Absent: the champion. */
  readonly version?: number;
}

const gatesSchema = z.looseObject({
  model: z.string(),
  version: z.number(),
  passed: z.boolean(),
  gates: z.array(gateResultSchema),
});
type Gates = z.infer<typeof gatesSchema>;
const championSchema = z.looseObject({ version: z.number() });

const NOTES = `
Ends with 0 when every gate is passed, 3 when one is missed or none was ever checked, 2 when what was given is wrong.

Examples:
  $ aura gate turbofan@3
  $ aura gate turbofan --metric auc --min 0.85 --junit gates.xml`;

/** `aura gate`: for CI systems, whether a version is good enough. */
export function registerGateCommand(program: Command): void {
  program
    .command("gate")
    .description("fail when a model version misses its metric gates, or a bound given here: for CI systems")
    .argument("<model[@version]>", "which version (default: the champion)", parseSubject)
    .option("--metric <name>", "hold this metric against a bound, instead of its gates")
    .option("--min <value>", "the metric must be at least this", parseNumber)
    .option("--max <value>", "the metric must be at most this", parseNumber)
    .addOption(new Option("--on <rows>", "of the holdout, or of the folds").choices(["test", "cv"]))
    .option("--junit <file>", "write the gates as JUnit XML too")
    .option("--json", "print them as JSON")
    .addHelpText("after", NOTES)
    .action(async (subject: Subject, options: GateOptions, command: Command) =>
      gate(contextOf(command), subject, options),
    );
}

function parseSubject(text: string): Subject {
  const [, model = "", version] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (!NAME_PATTERN.test(model))
    throw new InvalidArgumentError("expected model or model@version, such as turbofan@3");
  return version === undefined ? { model } : { model, version: Number(version) };
}

function parseNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new InvalidArgumentError("expected a number");
}

async function gate(context: CliContext, subject: Subject, options: GateOptions): Promise<void> {
  const { metric, min, max, on, junit, json } = options;
  if ((metric !== undefined) !== (min !== undefined || max !== undefined))
    throw new PlatformError(
      "config_invalid",
      "gate: expected --metric with --min, --max or both, or none of them",
    );
  const found = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const { model } = subject;
    const version = subject.version ?? (await championOf(client, model));
    return client.get(apiPath`/v1/models/${model}/versions/${version}/gates`, gatesSchema, {
      metric,
      min,
      max,
      on,
    });
  });
  const name = `${found.model}@${found.version}`;
  if (junit !== undefined) saveFile(context, junit, junitOf({ name, cases: casesOf(found) }));
  if (json === true) context.output.json(found);
  else show(context.output, name, found);
  if (!found.passed) context.exitWith(EXIT.gateRefused);
}

async function championOf(client: ApiClient, model: string): Promise<number> {
  return (await client.get(apiPath`/v1/models/${model}/champion`, championSchema)).version;
}

/** A suite without tests counts as passed in CI systems: a version that was never checked is one that failed. */
function casesOf({ gates }: Gates): Gates["gates"] {
  if (gates.length > 0) return gates;
  return [{ name: "gates", passed: false, detail: "no gate of this version was ever checked" }];
}

function show(output: Output, name: string, found: Gates): void {
  output.line(`${output.style("bold", found.passed ? "passed" : "missed")}: ${name}`);
  output.table(
    ["gate", "passed", "found"],
    casesOf(found).map((one) => [one.name, one.passed ? "yes" : "NO", one.detail]),
  );
}
