import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Command } from "commander";
import {
  featureFeedsSchema,
  featureHistoryReplySchema,
  featureHistorySchema,
  featuresReplySchema,
} from "../../../schemas/live/online-features.ts";
import type { FeatureHistoryRow, OnlineFeatures } from "../../../schemas/live/online-features.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showList } from "../../list-view.ts";
import { registerFeatureRefresh } from "./feature-refresh.ts";

interface GetOptions {
  readonly model?: string;
  readonly json?: boolean;
}

interface HistoryOptions {
  readonly model?: string;
  readonly out?: string;
}

const ROWS_PER_REQUEST = 1_000;
const rowSchema = featureHistorySchema.shape.rows.element;

/** `aura features`: features of live readings, now and as they were. */
export function registerFeaturesCommand(program: Command): void {
  const features = program
    .command("features")
    .description("the features of live readings, now and as they were");
  features
    .command("list")
    .description("each champion with the live source that feeds its features, or why none does")
    .option("--json", "print them as JSON")
    .addHelpText("after", "\nExample:\n  $ aura features list")
    .action(async ({ json }: { json?: boolean }, command: Command) => list(contextOf(command), json));
  features
    .command("get")
    .description("the champion's features of assets at their newest readings, each with its status and age")
    .argument("<assets...>", "their ids")
    .option("--model <name>", "may be left out where one model serves")
    .option("--json", "print them as JSON")
    .addHelpText("after", "\nExample:\n  $ aura features get p1 --model pumps")
    .action(async (assets: string[], options: GetOptions, command: Command) =>
      get(contextOf(command), assets, options),
    );
  features
    .command("history")
    .description("features of assets as they were at given times, as lines of JSON")
    .argument(
      "<rows.jsonl>",
      'lines such as {"asset":"p1","time":"2026-04-05T10:00:00Z"}; of cycles a number',
    )
    .option("--model <name>", "may be left out where one model serves")
    .option("--out <file>", "file to write instead of printing")
    .addHelpText(
      "after",
      "\nExample:\n  $ aura features history rows.jsonl --model pumps --out features.jsonl",
    )
    .action(async (file: string, options: HistoryOptions, command: Command) =>
      history(contextOf(command), file, options),
    );
  registerFeatureRefresh(features);
}

async function list(context: CliContext, json: boolean | undefined): Promise<void> {
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/feature-feeds", featureFeedsSchema),
  );
  showList(context.output, items, {
    json,
    empty: "no model serves",
    columns: [
      ["model", ({ model, version }) => `${model}@${version}`],
      ["source", ({ source }) => source ?? "-"],
      ["features", ({ features }) => features],
      ["beside readings", ({ beside }) => beside.join(", ") || "-"],
      ["ttl", ({ ttlSeconds }) => (ttlSeconds === null ? "-" : `${ttlSeconds} s`)],
      ["policy", ({ policy }) => policy ?? "-"],
      ["problem", ({ problem }) => (problem === null ? "-" : problem.message)],
    ],
  });
}

async function get(
  context: CliContext,
  assets: readonly string[],
  { model, json }: GetOptions,
): Promise<void> {
  const body = { assets, ...(model === undefined ? {} : { model }) };
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post("/v1/features", { reply: featuresReplySchema, body }),
  );
  const { output } = context;
  if (json === true) return output.json(items.length === 1 ? items[0] : items);
  for (const reply of items) showFeatures(output, reply);
}

function showFeatures(output: CliContext["output"], reply: OnlineFeatures): void {
  const age = reply.ageSeconds === null ? "no reading" : `${Math.round(reply.ageSeconds)} s ago`;
  output.line(
    `${reply.model}@${reply.version} of ${reply.asset} by ${reply.source}: ${reply.status}, ${age}`,
  );
  showList(output, reply.features, {
    empty: "the model has no features",
    columns: [
      ["feature", ({ name }) => name],
      ["value", ({ value }) => value],
      ["unit", ({ unit }) => unit],
      ["status", ({ status }) => status],
      ["reason", ({ reason }) => reason],
    ],
  });
}

async function history(context: CliContext, file: string, { model, out }: HistoryOptions): Promise<void> {
  const { cwd, output } = context;
  const asked = await rowsIn(resolve(cwd, file), file);
  const found: FeatureHistoryRow[] = [];
  await withApi(context, { start: "if-made" }, async ({ client }) => {
    for (let at = 0; at < asked.length; at += ROWS_PER_REQUEST) {
      const rows = asked.slice(at, at + ROWS_PER_REQUEST);
      const body = { rows, ...(model === undefined ? {} : { model }) };
      const reply = await client.post("/v1/features/history", { reply: featureHistoryReplySchema, body });
      found.push(...reply.rows);
    }
  });
  const lines = found.map((row) => JSON.stringify(row));
  if (out === undefined) for (const line of lines) output.line(line);
  else {
    await writeFile(resolve(cwd, out), lines.map((line) => `${line}\n`).join(""));
    output.line(`${lines.length} rows written to ${out}`);
  }
}

async function rowsIn(path: string, shown: string) {
  const rows: ReturnType<typeof rowSchema.parse>[] = [];
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      line++;
      if (text.trim() !== "") rows.push(rowSchema.parse(JSON.parse(text)));
    }
  } catch (cause) {
    const where = line === 0 ? shown : `${shown}:${line}`;
    throw new PlatformError("bad_file", `read ${where}: expected a line of JSON with asset and time`, {
      cause,
    });
  }
  return rows;
}
