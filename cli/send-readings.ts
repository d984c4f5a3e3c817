import { resolve } from "node:path";
import { addIntake, intakeReplySchema, NO_INTAKE } from "../schemas/live/intake.ts";
import type { IntakeCounts, IntakeProblem, IntakeReply } from "../schemas/live/intake.ts";
import { parseStrictJson } from "../schemas/json/strict-json.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ApiClient } from "./client.ts";
import { withApi } from "./connection.ts";
import type { CliContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { readLineBatches } from "./line-batches.ts";
import type { LineBatch } from "./line-batches.ts";

const MOST_SHOWN = 20;
/** A reply names so many problems and no more. */
const MOST_NAMED = 100;

/** `aura readings send`: the lines of a file as they stand, so that they come to what they would over HTTP. */
export async function sendReadings(
  context: CliContext,
  file: string,
  { source, json }: { readonly source: string; readonly json?: boolean },
): Promise<void> {
  const { output, cwd, exitWith } = context;
  let total = NO_INTAKE;
  let isAllRefused = true;
  const problems: (IntakeProblem & { line: number })[] = [];
  await withApi(context, { start: "always" }, async ({ client }) => {
    for await (const batch of checkedBatches(resolve(cwd, file), file)) {
      const reply = await sendBatch(client, source, batch);
      total = addIntake(total, reply);
      isAllRefused &&= isRefused(reply);
      for (const problem of reply.problems)
        if (problems.length < MOST_SHOWN)
          problems.push({ ...problem, line: batch.lineNumbers[problem.index] ?? 0 });
    }
  });
  if (json === true) output.json({ source, ...total, problems });
  else {
    for (const { line, code, outcome, message } of problems)
      output.warn(`${file}:${line}: ${outcome}, ${code}: ${message}`);
    output.line(countsText(total));
  }
  if (total.received > 0 && isAllRefused) exitWith(EXIT.fault);
}

/** Nothing of it is stored, now or before. */
const isRefused = ({ received, stored, problems }: IntakeReply): boolean =>
  stored === 0 && problems.length >= Math.min(received, MOST_NAMED);

/** A file that is no lines of JSON at all is refused before anything of it is sent. */
async function* checkedBatches(path: string, shown: string): AsyncGenerator<LineBatch> {
  let isFirst = true;
  for await (const batch of readLineBatches(path, shown)) {
    if (isFirst && !batch.lines.some(isObject))
      throw new PlatformError(
        "bad_file",
        `read ${shown}: expected a line of JSON for each reading; files of CSV or Parquet come in by a feed of a folder, or by \`POST /v1/readings/uploads\``,
      );
    isFirst = false;
    yield batch;
  }
}

function isObject(line: Uint8Array): boolean {
  try {
    const value = parseStrictJson(line);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

/** A refusal for lack of room is waited out: what was sent is not lost, and nothing is sent past it. */
async function sendBatch(client: ApiClient, source: string, { lines }: LineBatch): Promise<IntakeReply> {
  const body = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
  for (;;) {
    try {
      return await client.postLines("/v1/readings", { reply: intakeReplySchema, query: { source }, body });
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== "too_many_readings") throw error;
      await new Promise((done) => setTimeout(done, 1_000));
    }
  }
}

const NEWLINE = Buffer.from("\n");

function countsText({ received, stored, duplicate, conflict, quarantined, rejected }: IntakeCounts): string {
  const others = [
    [duplicate, "there before"],
    [conflict, "of them with other values"],
    [quarantined, "set aside"],
    [rejected, "rejected"],
  ] as const;
  const rest = others.flatMap(([n, what]) => (n === 0 ? [] : [`${n} ${what}`]));
  return [`${received} readings sent, ${stored} stored`, ...rest].join(", ");
}
