import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { alertCurvePointSchema } from "../../../schemas/models/model-version.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { timeText } from "../../list-view.ts";
import type { Output } from "../../output.ts";
import { numberText } from "../../run/evaluation-text.ts";

interface ThresholdOptions {
  readonly set?: number;
  readonly share?: number;
  readonly perAssetMonth?: number;
  readonly reason?: string;
  readonly json?: boolean;
}

const eventSchema = z.looseObject({
  threshold: z.number(),
  basis: z.looseObject({ by: z.string(), outOfFold: alertCurvePointSchema.optional() }),
  at: z.string(),
  actor: z.string(),
  reason: z.string(),
});
type ThresholdEvent = z.infer<typeof eventSchema>;

/** `aura models threshold`: from which score on a version alerts, without training it again. */
export function registerThreshold(models: Command): void {
  models
    .command("threshold")
    .description("set from which score or probability a version alerts, or list what was set")
    .argument("<model>@<version>", "the version", parseReference)
    .option("--set <number>", "alert from this score or probability on", parseNumber)
    .option("--share <share>", "at most this share of the readings alerts, e.g. 0.01", parseNumber)
    .option(
      "--per-asset-month <days>",
      "at most this many days with an alert, of each asset in a month",
      parseNumber,
    )
    .option("--reason <text>", "why; recorded")
    .option("--json", "print the change, or all of them, as JSON")
    .addHelpText(
      "after",
      '\nExamples:\n  $ aura models threshold pumps@3 --per-asset-month 2 --reason "two looks a month"\n  $ aura models threshold pumps@3',
    )
    .action(async (reference: VersionReference, options: ThresholdOptions, command: Command) => {
      const { set: threshold, share, perAssetMonth } = options;
      const given = Object.entries({ threshold, share, perAssetMonth }).filter(([, v]) => v !== undefined);
      const context = contextOf(command);
      if (given.length === 0) await listChanges(context, reference, options);
      else await change(context, reference, { ...options, choice: Object.fromEntries(given) });
    });
}

interface VersionReference {
  readonly model: string;
  readonly version: number;
}

function parseReference(text: string): VersionReference {
  const [model = "", version = ""] = text.split("@");
  const number = Number(version);
  if (nameSchema.safeParse(model).success && Number.isInteger(number) && number >= 1)
    return { model, version: number };
  throw new InvalidArgumentError("expected <model>@<version> such as pumps@3");
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("expected a number");
}

async function change(
  context: CliContext,
  { model, version }: VersionReference,
  given: ThresholdOptions & { readonly choice: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { choice, reason, json } = given;
  if (reason === undefined)
    throw new PlatformError("config_invalid", "set threshold: expected --reason <text>, found none");
  const body = { ...choice, reason };
  const event = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/models/${model}/versions/${version}/thresholds`, { reply: eventSchema, body }),
  );
  if (json === true) {
    context.output.json(event);
    return;
  }
  context.output.line(`${model}@${version} alerts from ${numberText(event.threshold)} on`);
  const meant = meaningOf(event);
  if (meant !== "") context.output.line(meant);
}

async function listChanges(
  context: CliContext,
  { model, version }: VersionReference,
  { json }: ThresholdOptions,
): Promise<void> {
  const path = apiPath`/v1/models/${model}/versions/${version}/thresholds`;
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(path, z.strictObject({ items: z.array(eventSchema) })),
  );
  if (json === true) context.output.json(items);
  else showChanges(context.output, items);
}

function showChanges(output: Output, items: readonly ThresholdEvent[]): void {
  if (items.length === 0) {
    output.line("nobody set a threshold: it alerts as training chose");
    return;
  }
  output.table(
    ["at", "threshold", "by", "reason"],
    items.map((event) => [timeText(event.at), numberText(event.threshold), event.actor, event.reason]),
  );
}

/** What the threshold would have done on rows that training did not see. */
function meaningOf({ basis: { outOfFold } }: ThresholdEvent): string {
  if (outOfFold === undefined) return "";
  const { alertShare, alertsPerAssetMonth, precision, recall } = outOfFold;
  const parts = [`${numberText(alertShare * 100)} % of the readings`];
  if (alertsPerAssetMonth !== undefined)
    parts.push(`${numberText(alertsPerAssetMonth)} alerts of an asset a month`);
  if (precision !== undefined && recall !== undefined)
    parts.push(`precision ${numberText(precision)}`, `recall ${numberText(recall)}`);
  return `out of fold: ${parts.join(", ")}`;
}
