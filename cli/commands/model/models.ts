import type { Command } from "commander";
import { z } from "zod";
import { gateResultSchema, metricSetSchema } from "../../../schemas/models/model-version.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseVersion, showAt, showListAt, timeText } from "../../list-view.ts";
import type { Output } from "../../output.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { numberText } from "../../run/evaluation-text.ts";
import { patient } from "../../run/follow-run.ts";
import { registerImport } from "./import.ts";
import { registerModelFiles } from "./model-files.ts";
import { readVersion, showVersion } from "../../run/version-view.ts";
import { registerReport } from "./report.ts";
import { registerThreshold } from "./threshold.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface PromoteOptions extends JsonOption, AsOption {
  readonly reason?: string;
  readonly digest?: string;
}

export interface RollbackOptions extends JsonOption, AsOption {
  readonly to?: number;
  readonly reason: string;
}

const modelRowSchema = z.looseObject({
  model: z.string(),
  versions: z.number(),
  champion: z.number().nullable(),
});
const versionSchema = z.looseObject({
  version: z.number(),
  digest: z.string(),
  stage: z.string(),
  aliases: z.array(z.string()),
  runId: z.string(),
  createdAt: z.string(),
  primaryMetric: z.string(),
  metrics: z.looseObject({ test: metricSetSchema }),
});
const eventSchema = z.looseObject({
  alias: z.string(),
  version: z.number(),
  previousVersion: z.number().nullable(),
  at: z.string(),
  actor: z.string(),
  reason: z.string(),
});
const modelSchema = z.looseObject({
  model: z.string(),
  champion: z.number().nullable(),
  versions: z.array(versionSchema),
  history: z.array(eventSchema),
});
const comparisonSchema = z.looseObject({
  sameHoldout: z.boolean(),
  a: z.looseObject({ version: z.number(), gates: z.array(gateResultSchema) }),
  b: z.looseObject({ version: z.number(), gates: z.array(gateResultSchema) }),
  test: z.array(
    z.looseObject({
      metric: z.string(),
      a: z.number().nullable(),
      b: z.number().nullable(),
      difference: z.number().nullable(),
    }),
  ),
  differentFiles: z.array(z.string()),
});
const startedSchema = z.looseObject({ workflowId: z.string(), version: z.number(), digest: z.string() });
const championSchema = z.looseObject({ version: z.number(), digest: z.string(), event: eventSchema });

/** How long a promotion may take before the command says that it goes on by itself. */
const PROMOTION_MS = 60_000;

/** `aura models`: versions, their champion, and moving it. */
export function registerModelsCommand(program: Command): void {
  const models = program
    .command("models")
    .description("list, compare, import, check out, promote and roll back model versions");
  models
    .command("list")
    .description("models with their champion")
    .argument("[model]", "this one alone")
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura models list")
    .action(async (model: string | undefined, options: JsonOption, command: Command) =>
      list(contextOf(command), model, options),
    );
  models
    .command("show")
    .description(
      "one model: versions and who made which the champion, when; or one version: metrics, threshold, slices",
    )
    .argument("<model>", "name of the model")
    .argument("[version]", "one of its versions", parseVersion)
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExamples:\n  $ aura models show turbofan\n  $ aura models show turbofan 3")
    .action(async (...given: [string, number | undefined, JsonOption, Command]) => {
      const [model, version, options, command] = given;
      if (version === undefined)
        await showAt(contextOf(command), {
          path: apiPath`/v1/models/${model}`,
          reply: modelSchema,
          json: options.json,
          show: showModel,
        });
      else await showOne(contextOf(command), { model, version }, options);
    });
  models
    .command("compare")
    .description("two versions side by side")
    .argument("<model>", "name of the model")
    .argument("<a>", "version", parseVersion)
    .argument("<b>", "the other version", parseVersion)
    .option("--json", "print the comparison as JSON")
    .addHelpText("after", "\nExample:\n  $ aura models compare turbofan 1 2")
    .action(async (...given: [string, number, number, JsonOption, Command]) => {
      const [model, a, b, { json }, command] = given;
      await showAt(contextOf(command), {
        path: apiPath`/v1/models/${model}/compare`,
        reply: comparisonSchema,
        query: { a, b },
        json,
        show: showComparison,
      });
    });
  registerImport(models);
  registerModelFiles(models);
  registerReport(models);
  registerPromote(models);
  registerRollback(models);
  registerThreshold(models);
}

function registerPromote(models: Command): void {
  models
    .command("promote")
    .description("make an approved version the champion")
    .argument("<model>", "name of the model")
    .argument("<version>", "its version", parseVersion)
    .addOption(asOption("asks"))
    .option("--reason <text>", "why; recorded")
    .option("--digest <sha256>", "refuse unless the version has this digest")
    .option("--json", "print the champion as JSON")
    .addHelpText("after", '\nExample:\n  $ aura models promote turbofan 3 --reason "after the night shift"')
    .action(async (model: string, version: number, options: PromoteOptions, command: Command) => {
      const { reason = "", digest } = options;
      const body = { version, reason, by: personOf(options), ...(digest === undefined ? {} : { digest }) };
      await move(contextOf(command), { path: apiPath`/v1/models/${model}/promote`, model, body }, options);
    });
}

function registerRollback(models: Command): void {
  models
    .command("rollback")
    .description("make an earlier champion the champion again")
    .argument("<model>", "name of the model")
    .option("--to <version>", "which (default: the one before the present champion)", parseVersion)
    .addOption(asOption("asks"))
    .requiredOption("--reason <text>", "why; recorded")
    .option("--json", "print the champion as JSON")
    .addHelpText("after", '\nExample:\n  $ aura models rollback turbofan --reason "false alarms since noon"')
    .action(async (model: string, options: RollbackOptions, command: Command) => {
      await rollBack(contextOf(command), model, options);
    });
}

async function list(context: CliContext, model: string | undefined, { json }: JsonOption): Promise<void> {
  await showListAt(context, {
    path: "/v1/models",
    row: modelRowSchema,
    query: { model },
    json,
    empty:
      model === undefined ? "there are no models" : `there is no model ${model}; aura models list names all`,
    columns: [
      ["model", (row) => row.model],
      ["versions", (row) => row.versions],
      ["champion", (row) => (row.champion === null ? "-" : `@${row.champion}`)],
    ],
  });
}

function showModel(output: Output, model: z.infer<typeof modelSchema>): void {
  output.table(
    ["version", "stage", "aliases", "metric", "test", "digest", "made"],
    model.versions.map((v) => [
      `@${v.version}`,
      v.stage,
      v.aliases.join(", "),
      v.primaryMetric,
      numberText(v.metrics.test[v.primaryMetric]),
      v.digest.slice(0, 12),
      timeText(v.createdAt),
    ]),
  );
  output.line();
  output.table(
    ["at", "alias", "from", "to", "by", "reason"],
    model.history.map((e) => {
      const from = e.previousVersion === null ? "-" : `@${e.previousVersion}`;
      return [timeText(e.at), e.alias, from, `@${e.version}`, e.actor, e.reason];
    }),
  );
}

async function showOne(
  context: CliContext,
  { model, version }: { readonly model: string; readonly version: number },
  { json }: JsonOption,
): Promise<void> {
  const found = await withApi(context, { start: "if-made" }, ({ client }) =>
    readVersion(client, model, version),
  );
  if (json === true) context.output.json(found);
  else showVersion(context.output, found);
}

function showComparison(output: Output, found: z.infer<typeof comparisonSchema>): void {
  if (!found.sameHoldout)
    output.warn("they were evaluated on different holdouts: the numbers do not compare");
  output.table(
    ["metric (test)", `@${found.a.version}`, `@${found.b.version}`, "difference"],
    found.test.map((row) => [row.metric, ...[row.a, row.b, row.difference].map(numberText)]),
  );
  output.line();
  output.line(`files that differ: ${found.differentFiles.join(", ") || "none"}`);
}

/** Makes an earlier champion the champion again. */
export function rollBack(context: CliContext, model: string, options: RollbackOptions): Promise<void> {
  const { to, reason } = options;
  const body = { reason, by: personOf(options), ...(to === undefined ? {} : { version: to }) };
  return move(context, { path: apiPath`/v1/models/${model}/rollback`, model, body }, options);
}

interface Move {
  readonly path: string;
  readonly model: string;
  readonly body: unknown;
}

/** Asks for another champion and waits until it is. */
async function move(context: CliContext, { path, model, body }: Move, { json }: JsonOption): Promise<void> {
  const { output } = context;
  await withApi(context, { start: "if-made" }, async (connection) => {
    const started = await connection.client.post(path, { reply: startedSchema, body });
    output.progress(`promoting ${model}@${started.version}`);
    const champion = await waitForChampion(connection, model, started.digest);
    output.endProgress();
    if (json === true) output.json(champion);
    else output.line(`${model}@${champion.version} is the champion since ${timeText(champion.event.at)}`);
  });
}

function waitForChampion({ client, signal }: Connection, model: string, digest: string) {
  const ask = async () => {
    const champion = await client.get(apiPath`/v1/models/${model}/champion`, championSchema);
    if (champion.digest === digest) return champion;
    throw new PlatformError("not_ready", `promote ${model}: it goes on; look again with aura models show`);
  };
  return patient(ask, { signal, patienceMs: PROMOTION_MS, awaited: ["no_champion"] })();
}
