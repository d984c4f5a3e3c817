import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { sourceCountsSchema } from "../../../schemas/data/dataset.ts";
import { idFrom } from "../../checkout/data-version.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import type { Output } from "../../output.ts";
import { addPipelineFiles } from "../../pipeline-files.ts";
import { registerDataVersions } from "./data-versions.ts";
import { hashFiles, openDataFolder } from "../../run/local-files.ts";
import { rowsText } from "../../run/evaluation-text.ts";
import { parseLimit, showList, showListAt, timeText } from "../../list-view.ts";

const rowSchema = z.looseObject({
  id: z.string(),
  pipeline: z.string(),
  owner: z.string(),
  rows: z.number(),
  createdAt: z.string(),
});
const featureSetRowSchema = z.looseObject({
  id: z.string(),
  pipeline: z.string(),
  dataset: z.string(),
  rows: z.number(),
  assets: z.number(),
  createdAt: z.string(),
});
const expiredSchema = z.looseObject({
  id: z.string(),
  pipeline: z.string(),
  owner: z.string(),
  retention: z.string(),
  createdAt: z.string(),
  neededBy: z.array(z.string()),
});
const startedSchema = z.looseObject({ workflowId: z.string(), isNew: z.boolean() });
interface ListOptions {
  readonly features?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}
interface ExpiredOptions {
  readonly remove?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}
/** What of a manifest is shown; `--json` has all. */
const datasetSchema = z.looseObject({
  manifest: z.looseObject({
    pipeline: z.string(),
    raw: z.array(
      z.looseObject({ name: z.string(), source: z.string(), object: z.looseObject({ sha256: z.string() }) }),
    ),
    sources: z.record(
      z.string(),
      z.looseObject({ role: z.string(), nAssets: z.number(), counts: sourceCountsSchema }),
    ),
  }),
  owner: z.string(),
  retention: z.string(),
  createdAt: z.string(),
});
const featureSetSchema = featureSetRowSchema.extend({
  view: z.string(),
  fitted: z.string(),
  manifest: z.looseObject({
    features: z.array(z.looseObject({ name: z.string(), kind: z.string(), unit: z.string().optional() })),
  }),
});
const quarantinedSchema = z.looseObject({
  source: z.string(),
  file: z.string(),
  line: z.number(),
  code: z.string(),
  message: z.string(),
  text: z.string(),
});

/** `aura data`: datasets, and the rows that did not get in. */
export function registerDataCommand(program: Command): void {
  const data = program
    .command("data")
    .description("versions of data: list, compare, check out; and the rows that were not accepted");
  data
    .command("list")
    .description("datasets, or feature sets, newest first")
    .option("--features", "feature sets: what was made of the datasets")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExamples:\n  $ aura data list\n  $ aura data list --features")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  data
    .command("show")
    .description("one dataset or feature set: its files, and what was read, accepted and quarantined")
    .argument("<id>", "id of the dataset or feature set, its first digits, or a pointer file")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura data show e0477984520c78c810e53183a2e3efec40b5ce4b9cafea5331bbe078f4ace961",
    )
    .action(async (id: string, options: { json?: boolean }, command: Command) =>
      show(contextOf(command), id, options),
    );
  data
    .command("quarantine")
    .description("rows that were not accepted, with reason, file and line")
    .argument("<id>", "id of the dataset")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura data quarantine e0477984520c78c810e53183a2e3efec40b5ce4b9cafea5331bbe078f4ace961",
    )
    .action(async (id: string, options: { limit: number; json?: boolean }, command: Command) =>
      quarantine(contextOf(command), id, options),
    );
  data
    .command("expired")
    .description("datasets past their retention, and what still needs them")
    .option("--remove", "remove those that nothing needs, with their files")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them, or what was started, as JSON")
    .addHelpText("after", "\nExample:\n  $ aura data expired --remove")
    .action(async (options: ExpiredOptions, command: Command) => expired(contextOf(command), options));
  data
    .command("add")
    .description("hand newer files to a pipeline; its next retraining reads them")
    .argument("<pipeline>", "name of the pipeline")
    .requiredOption("--data <folder>", "folder with the files, named as in the pipeline file")
    .option("--json", "print the files added since the last run as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura data add substation --data newest/")
    .action(async (pipeline: string, options: { data: string; json?: boolean }, command: Command) =>
      add(contextOf(command), pipeline, options),
    );
  registerDataVersions(data);
}

/** A dataset, or where there is none of that id a feature set. */
async function show(context: CliContext, given: string, { json }: { json?: boolean }): Promise<void> {
  const path = resolve(context.cwd, given);
  const found = await withApi(context, { start: "if-made" }, async ({ client }) => {
    const id = await idFrom(client, { given, path });
    const dataset = await client.find(apiPath`/v1/datasets/${id}`, datasetSchema);
    if (dataset !== null) return { dataset };
    return { set: await client.get(apiPath`/v1/feature-sets/${id}`, featureSetSchema) };
  });
  const { output } = context;
  if (json === true) output.json(found.dataset ?? found.set);
  else if (found.dataset !== undefined) showDataset(output, found.dataset);
  else showFeatureSet(output, found.set);
}

async function expired(context: CliContext, { remove, limit, json }: ExpiredOptions): Promise<void> {
  const { output } = context;
  if (remove !== true) {
    await showListAt(context, {
      path: "/v1/datasets/expired",
      row: expiredSchema,
      query: { limit },
      json,
      empty: "no dataset is past its retention",
      columns: [
        ["dataset", (row) => row.id],
        ["pipeline", (row) => row.pipeline],
        ["owner", (row) => row.owner],
        ["kept", (row) => row.retention],
        ["made", (row) => timeText(row.createdAt)],
        ["needed by", (row) => row.neededBy.join(", ") || "nothing"],
      ],
    });
    return;
  }
  const started = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post("/v1/housekeeping", { reply: startedSchema, body: { removeDatasets: true } }),
  );
  if (json === true) output.json(started);
  else output.line(`${started.workflowId} removes them; the Temporal UI shows each`);
}

async function add(
  context: CliContext,
  pipeline: string,
  { data, json }: { data: string; json?: boolean },
): Promise<void> {
  const { output, cwd } = context;
  const folder = openDataFolder(data, cwd);
  const files = await hashFiles(folder, folder.names);
  const added = await withApi(context, { start: "if-made" }, ({ client }) =>
    addPipelineFiles(files, { client, output, pipeline }),
  );
  showList(output, added, {
    json,
    empty: "no file was added",
    columns: [
      ["file", (file) => file.name],
      ["bytes", (file) => file.object.bytes],
      ["sha256", (file) => file.object.sha256],
    ],
  });
}

async function list(context: CliContext, { features, limit, json }: ListOptions): Promise<void> {
  if (features === true) {
    await showListAt(context, {
      path: "/v1/feature-sets",
      row: featureSetRowSchema,
      query: { limit },
      json,
      empty: "there are no feature sets",
      columns: [
        ["feature set", (row) => row.id],
        ["pipeline", (row) => row.pipeline],
        ["dataset", (row) => row.dataset.slice(0, 12)],
        ["rows", (row) => row.rows],
        ["assets", (row) => row.assets],
        ["made", (row) => timeText(row.createdAt)],
      ],
    });
    return;
  }
  await showListAt(context, {
    path: "/v1/datasets",
    row: rowSchema,
    query: { limit },
    json,
    empty: "there are no datasets",
    columns: [
      ["dataset", (row) => row.id],
      ["pipeline", (row) => row.pipeline],
      ["rows", (row) => row.rows],
      ["owner", (row) => row.owner],
      ["made", (row) => timeText(row.createdAt)],
    ],
  });
}

function showFeatureSet(output: Output, set: z.infer<typeof featureSetSchema>): void {
  const { pipeline, dataset, rows, assets, createdAt, view, fitted, manifest } = set;
  output.line(`${pipeline}: ${rowsText(rows, assets)}, made ${timeText(createdAt)}`);
  output.line(`dataset ${dataset}`);
  output.line(`view ${view.slice(0, 12)}, fitted state ${fitted.slice(0, 12)}`);
  output.line();
  output.table(
    ["feature", "kind", "unit"],
    manifest.features.map((feature) => [feature.name, feature.kind, feature.unit ?? "-"]),
  );
}

function showDataset(output: Output, dataset: z.infer<typeof datasetSchema>): void {
  const { manifest, owner, retention, createdAt } = dataset;
  output.line(`${manifest.pipeline}, owned by ${owner}, kept ${retention}, made ${timeText(createdAt)}`);
  output.line();
  output.table(
    ["source", "role", "assets", "read", "accepted", "quarantined", "reasons"],
    Object.entries(manifest.sources).map(([name, { role, nAssets, counts }]) => {
      const { read, accepted, quarantined, byReason } = counts;
      const reasons = Object.entries(byReason).map(([reason, count]) => `${reason} ${count}`);
      return [name, role, ...[nAssets, read, accepted, quarantined].map(String), reasons.join(", ")];
    }),
  );
  output.line();
  output.table(
    ["file", "source", "sha256"],
    manifest.raw.map((file) => [file.name, file.source, file.object.sha256]),
  );
}

async function quarantine(
  context: CliContext,
  id: string,
  { limit, json }: { limit: number; json?: boolean },
): Promise<void> {
  await showListAt(context, {
    path: apiPath`/v1/datasets/${id}/quarantine`,
    row: quarantinedSchema,
    query: { limit },
    json,
    empty: "every row was accepted",
    columns: [
      ["file", (row) => `${row.file}:${row.line}`],
      ["source", (row) => row.source],
      ["reason", (row) => row.code],
      ["message", (row) => row.message],
      ["row", (row) => row.text.slice(0, 80)],
    ],
  });
}
