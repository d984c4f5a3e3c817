import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { z } from "zod";
import { PlatformError } from "../../schemas/platform-error.ts";
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import { labelColumns, labelOfCells } from "../../schemas/serving/label-table.ts";
import { labelsReplySchema } from "../../schemas/serving/observed-label.ts";
import type { LabelProblem, LabelsReply } from "../../schemas/serving/observed-label.ts";
import { csvRows } from "../../schemas/text/csv-rows.ts";
import type { Query } from "../client.ts";
import { withApi } from "../connection.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { readLineBatches } from "../line-batches.ts";

export interface SendLabelsOptions {
  readonly source: string;
  readonly kind?: string;
  readonly json?: boolean;
}

/** A part of a file as it is sent; of texts the line that each label begins in. */
interface LabelPart {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly lines?: readonly number[];
}

const LINES_TYPE = "application/x-ndjson";
const PARQUET_TYPE = "application/vnd.apache.parquet";
const BATCH = 1_000;
const MOST_SHOWN = 20;

/** `aura labels add`: a file of labels, in parts; each label is taken or refused by itself. */
export async function sendLabels(
  context: CliContext,
  file: string,
  { source, kind, json }: SendLabelsOptions,
): Promise<void> {
  const { output, cwd, exitWith } = context;
  const total = { received: 0, added: 0, known: 0, conflicting: 0, refused: 0 };
  const unknown = new Set<string>();
  const problems: (LabelProblem & { line?: number })[] = [];
  const query: Query = { source, ...(kind === undefined ? {} : { kind }) };
  await withApi(context, { start: "always" }, async ({ client }) => {
    for await (const { lines, ...part } of partsOf(resolve(cwd, file), file)) {
      const reply = await client.postBytes("/v1/labels", { ...part, query, reply: labelsReplySchema });
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += reply[key];
      for (const problem of reply.problems.slice(0, MOST_SHOWN - problems.length)) {
        const line = lines?.[problem.index];
        problems.push(line === undefined ? problem : { ...problem, line });
      }
      for (const asset of reply.unknownAssets) unknown.add(asset);
      output.progress(`sending labels: ${total.received}`);
    }
    output.endProgress();
  });
  if (json === true) output.json({ ...total, problems, unknownAssets: [...unknown] });
  else {
    for (const { line, index, outcome, reason } of problems)
      output.warn(`${file}:${line ?? `label ${index + 1}`}: ${outcome}: ${reason}`);
    if (unknown.size > 0)
      output.warn(
        `nothing is on record of ${[...unknown].slice(0, MOST_SHOWN).join(", ")}: their labels are kept, and count once there are answers for them. Misspelt? Withdraw them (aura labels list).`,
      );
    output.line(countsText(total));
  }
  if (total.refused > 0) exitWith(EXIT.badInput);
}

async function* partsOf(path: string, shown: string): AsyncGenerator<LabelPart> {
  switch (extname(path).toLowerCase()) {
    case ".jsonl":
    case ".ndjson":
      for await (const { lines, lineNumbers } of readLineBatches(path, shown))
        yield {
          body: Buffer.concat(lines.flatMap((line) => [line, NEWLINE])),
          type: LINES_TYPE,
          lines: lineNumbers,
        };
      return;
    case ".json":
      yield* inParts(jsonLabels(await bytesOf(path, shown), shown).map((label) => ({ label })));
      return;
    case ".csv":
      yield* inParts(csvLabels((await bytesOf(path, shown)).toString("utf8"), shown));
      return;
    case ".parquet":
      yield { body: await bytesOf(path, shown), type: PARQUET_TYPE };
      return;
    default:
      throw new PlatformError(
        "bad_file",
        `read ${shown}: expected a file of .csv, .json, .jsonl or .parquet`,
      );
  }
}

interface ReadLabel {
  readonly label: unknown;
  readonly line?: number;
}

function* inParts(labels: readonly ReadLabel[]): Generator<LabelPart> {
  for (let start = 0; start < labels.length; start += BATCH) {
    const part = labels.slice(start, start + BATCH);
    const body = Buffer.from(part.map(({ label }) => `${JSON.stringify(label)}\n`).join(""));
    const lines = part.flatMap(({ line }) => line ?? []);
    yield { body, type: LINES_TYPE, ...(lines.length === part.length ? { lines } : {}) };
  }
}

const fileSchema = z.union([z.array(z.unknown()), z.strictObject({ labels: z.array(z.unknown()) })]);

function jsonLabels(bytes: Uint8Array, shown: string): readonly unknown[] {
  const parsed = fileSchema.safeParse(parseStrictJson(bytes));
  if (!parsed.success)
    throw new PlatformError("bad_file", `read ${shown}: expected a list of labels, or {"labels": […]}`);
  return Array.isArray(parsed.data) ? parsed.data : parsed.data.labels;
}

function csvLabels(text: string, shown: string): ReadLabel[] {
  try {
    const [head, ...rows] = csvRows(text);
    const members = labelColumns(head?.cells ?? []);
    return rows.map(({ line, cells }) => ({ line, label: labelOfCells(members, cells) }));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new PlatformError("bad_file", `read ${shown}: ${cause.message}`, { cause });
  }
}

async function bytesOf(path: string, shown: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new PlatformError("bad_file", `read ${shown}: it cannot be read`, { cause });
  }
}

const NEWLINE = Buffer.from("\n");

function countsText({
  received,
  added,
  known,
  conflicting,
  refused,
}: Pick<LabelsReply, "received" | "added" | "known" | "conflicting" | "refused">): string {
  const others = [
    [known, "there before"],
    [conflicting, "conflicting with others"],
    [refused, "refused"],
  ] as const;
  const rest = others.flatMap(([n, what]) => (n === 0 ? [] : [`${n} ${what}`]));
  return [`${received} labels sent, ${added} added`, ...rest].join(", ");
}
