/**
 * A small client of AURA's API, without any package: ask which models are served, predict for one asset from its
 * recent readings, show where the answer comes from.
 *
 *   node --experimental-strip-types examples/client/predict.ts unit-7 readings.json
 *
 * `AURA_API_URL` is the API (default http://127.0.0.1:8080), `AURA_API_KEY` a key where the server has keys.
 * The file holds a JSON list of readings, oldest first: `[{"t": 1, "voltage": 10.2, …}, …]`.
 */
import { readFile } from "node:fs/promises";

const baseUrl = process.env["AURA_API_URL"] ?? "http://127.0.0.1:8080";
const key = process.env["AURA_API_KEY"];

interface PredictReply {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly traced: boolean;
  readonly unit?: string;
  readonly predictions: readonly {
    readonly predictionId: string;
    readonly value?: number;
    readonly probability?: number;
    readonly decision?: boolean;
    readonly class?: string;
  }[];
}

/** A refused request throws with the server's stable code and what to do about it. */
async function call<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
  const response = await fetch(baseUrl + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const reply: unknown = await response.json();
  if (response.ok) return reply as T;
  const { code, detail, remedy } = reply as { code: string; detail: string; remedy: string };
  throw new Error(`${code}: ${detail} ${remedy}`);
}

async function main(): Promise<void> {
  const [asset, file] = process.argv.slice(2);
  if (asset === undefined || file === undefined) throw new Error("usage: predict.ts <asset> <readings.json>");
  const readings: unknown = JSON.parse(await readFile(file, "utf8"));
  const reply = await call<PredictReply>("POST", "/predict", { asset, readings });
  const [prediction] = reply.predictions;
  process.stdout.write(`${JSON.stringify({ ...prediction, unit: reply.unit }, undefined, 2)}\n`);
  process.stdout.write(`${reply.model} version ${reply.version} (${reply.digest.slice(0, 12)}…)\n`);
  if (prediction === undefined || !reply.traced) return;
  // Traces reach the index a moment after the answer.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const lineage = await call<object>("GET", `/v1/lineage/prediction/${prediction.predictionId}`);
  process.stdout.write(`${JSON.stringify(lineage, undefined, 2)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
