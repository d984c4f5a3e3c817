import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { lineageSchema } from "../../schemas/data/lineage.ts";
import type { Lineage } from "../../schemas/data/lineage.ts";
import { predictReplySchema } from "../../schemas/serving/prediction.ts";
import type { PredictAsset, PredictReply } from "../../schemas/serving/prediction.ts";
import { apiPath } from "../client.ts";
import type { Connection } from "../connection.ts";
import { showLineage } from "../lineage-view.ts";
import type { Output } from "../output.ts";
import { safeText } from "../output.ts";
import { patient } from "../run/follow-run.ts";

/** A new champion is served, and a trace indexed, within seconds. */
const SETTLE_MS = 60_000;

/** Asks the champion about one asset; waits until it is served. */
export function predictAsset(
  { client, signal }: Connection,
  model: string,
  body: PredictAsset,
): Promise<PredictReply> {
  const path = apiPath`/v1/models/${model}/predict`;
  const ask = () => client.post(path, { reply: predictReplySchema, body });
  return patient(ask, { signal, patienceMs: SETTLE_MS, awaited: ["no_champion", "not_found"] })();
}

export interface Question {
  readonly model: string;
  readonly body: PredictAsset;
  /** Where the body is written, so that the curl line stays short. */
  readonly file: string;
  readonly cwd: string;
}

/** An answer, how to get it again, and where it comes from. */
export interface TracedAnswer {
  readonly reply: PredictReply;
  readonly curl: string;
  /** null: it could not be traced, which the reply says too. */
  readonly lineage: Lineage | null;
}

/** Calls /predict and reads the lineage of the answer. */
export async function askAboutAsset(
  output: Output,
  connection: Connection,
  { model, body, file, cwd }: Question,
): Promise<TracedAnswer> {
  const reply = await predictAsset(connection, model, body);
  writeFileSync(file, JSON.stringify(body));
  const url = connection.apiUrl + apiPath`/v1/models/${model}/predict`;
  const path = relative(cwd, file).replaceAll("'", String.raw`'\''`);
  const curl = `curl -X POST ${url} -H 'content-type: application/json' --data-binary '@${path}'`;
  const id = reply.predictions[0]?.predictionId;
  if (id === undefined || !reply.traced) return { reply, curl, lineage: null };
  const { client, signal } = connection;
  output.progress("waiting for the trace of this prediction");
  const ask = () => client.get(apiPath`/v1/lineage/prediction/${id}`, lineageSchema);
  const lineage = await patient(ask, { signal, patienceMs: SETTLE_MS })();
  output.endProgress();
  return { reply, curl, lineage };
}

/** Prints the answer, the same call with curl, and the lineage of the answer. */
export function showAnswer(
  output: Output,
  { model, body }: Question,
  { reply, curl, lineage }: TracedAnswer,
): void {
  const question = `POST /v1/models/${model}/predict with ${body.readings.length} readings of ${safeText(body.asset)}`;
  output.line();
  output.line(output.style("bold", question));
  output.line(JSON.stringify(reply, null, 2));
  output.line();
  output.line("The same with curl:");
  output.line(`  ${curl}`);
  if (lineage === null) return;
  output.line();
  output.line(output.style("bold", "Where this answer comes from:"));
  showLineage(output, lineage);
}
