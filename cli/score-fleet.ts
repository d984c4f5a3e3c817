import { z } from "zod";
import { metricSetSchema } from "../schemas/model-version.ts";
import { apiPath } from "./client.ts";
import type { Connection } from "./connection.ts";
import { csvText } from "./csv.ts";
import type { Output } from "./output.ts";
import { numberText } from "./run/approval-card.ts";
import { patient } from "./run/follow-run.ts";
import type { LocalFile } from "./run/local-files.ts";
import { startWithFiles } from "./run/upload.ts";

const startedSchema = z.looseObject({ scoreId: z.string(), isNew: z.boolean(), version: z.number() });
const rowSchema = z.looseObject({ asset: z.string(), rank: z.number(), value: z.number(), at: z.string() });
const scoreSchema = z.looseObject({
  id: z.string(),
  model: z.string(),
  version: z.number(),
  digest: z.string(),
  dataset: z.string(),
  rows: z.array(rowSchema),
});
const versionSchema = z.looseObject({
  evaluation: z.looseObject({ metrics: z.looseObject({ test: metricSetSchema }) }),
});

/** What `value` of a ranked asset is. */
export interface ScoreMeaning {
  /** `risk`: probability of the failure; `rul`: remaining life. */
  readonly kind: "risk" | "rul";
  /** Unit of a remaining life; absent for a risk. */
  readonly unit?: string;
}

/** A fleet, most urgent first. */
export interface FleetScore extends ScoreMeaning {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
  readonly rows: readonly z.infer<typeof rowSchema>[];
}

/** A fleet of a hundred thousand assets takes minutes. */
const SCORE_MS = 30 * 60_000;

/**
 * Ranks the assets of some files with a model's champion.
 *
 * @throws {PlatformError} no_champion, bad_file, and what every request throws; not_found: no answer within 30 minutes
 */
export async function scoreFleet(
  { client, signal }: Connection,
  {
    output,
    model,
    files,
  }: { readonly output: Output; readonly model: string; readonly files: readonly LocalFile[] },
): Promise<FleetScore> {
  const { scoreId, version } = await startWithFiles(files, { client, output }, (raw) =>
    client.post("/v1/scores", { reply: startedSchema, body: { model, files: raw } }),
  );
  output.progress(`scoring with ${model}@${version}`);
  const path = apiPath`/v1/scores/${scoreId}`;
  const score = await patient(() => client.get(path, scoreSchema), { signal, patienceMs: SCORE_MS })();
  output.endProgress();
  const meaning = await meaningOf(
    score,
    client.get(apiPath`/v1/models/${model}/versions/${score.version}`, versionSchema),
  );
  return { ...score, ...meaning };
}

/** A model of remaining life is measured by its error; its clock is that of its readings: cycles, or hours. */
async function meaningOf(
  { rows }: z.infer<typeof scoreSchema>,
  version: Promise<z.infer<typeof versionSchema>>,
): Promise<ScoreMeaning> {
  const { metrics } = (await version).evaluation;
  if (metrics.test["rmse"] === undefined) return { kind: "risk" };
  const isCycles = rows.every((row) => /^-?\d+$/.test(row.at));
  return { kind: "rul", unit: isCycles ? "cycles" : "h" };
}

/** Ranking as a table; at most `limit` lines of it. */
export function showFleet(output: Output, score: FleetScore, limit: number): void {
  const title = score.kind === "risk" ? "risk" : `remaining life [${score.unit ?? ""}]`;
  output.table(
    ["rank", "asset", title, "at"],
    score.rows
      .slice(0, limit)
      .map((row) => [String(row.rank), row.asset, valueText(score, row.value), row.at]),
  );
  if (score.rows.length > limit) output.line(`and ${score.rows.length - limit} more`);
}

function valueText({ kind }: ScoreMeaning, value: number): string {
  return kind === "risk" ? `${(value * 100).toFixed(1)} %` : numberText(value);
}

/** The whole ranking as CSV: rank, asset, risk or rul, unit, at, model, version, digest. */
export function fleetCsv(score: FleetScore): string {
  const { kind, unit = "", model, version, digest } = score;
  const header = ["rank", "asset", kind, "unit", "at", "model", "version", "digest"];
  const rows = score.rows.map((row) => [
    row.rank,
    row.asset,
    row.value,
    unit,
    row.at,
    model,
    version,
    digest,
  ]);
  return csvText([header, ...rows]);
}
