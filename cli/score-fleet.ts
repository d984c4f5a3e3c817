import { z } from "zod";
import { sourceCountsSchema } from "../schemas/dataset.ts";
import { metricSetSchema } from "../schemas/model-version.ts";
import { apiPath } from "./client.ts";
import type { Connection } from "./connection.ts";
import { csvText } from "./csv.ts";
import type { Output } from "./output.ts";
import { numberText } from "./run/evaluation-text.ts";
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
  /** Two classes: least probability that is an alarm; a release of the API before it was told says nothing. */
  threshold: z.number().nullish(),
});
type Version = z.infer<typeof versionSchema>;
const datasetSchema = z.looseObject({
  manifest: z.looseObject({ sources: z.record(z.string(), z.looseObject({ counts: sourceCountsSchema })) }),
});

/** What `value` of a ranked asset is. */
export interface ScoreMeaning {
  /** `risk`: probability of the failure; `rul`: remaining life. */
  readonly kind: "risk" | "rul";
  /** Unit of a remaining life; absent for a risk. */
  readonly unit?: string;
  /** Risk from which an asset is an alarm; absent where the model decides nothing. */
  readonly threshold?: number;
}

/** Rows of the files sent that were not accepted. */
export interface QuarantinedRows {
  readonly read: number;
  readonly quarantined: number;
  /** Code → rows. */
  readonly byReason: Readonly<Record<string, number>>;
}

export interface RankedRow extends z.infer<typeof rowSchema> {
  /** Whether the risk reaches the threshold; absent without one. */
  readonly decision?: boolean;
}

/** A fleet, most urgent first. */
export interface FleetScore extends ScoreMeaning {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
  readonly rows: readonly RankedRow[];
  readonly data?: QuarantinedRows;
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
  const [served, dataset] = await Promise.all([
    client.get(apiPath`/v1/models/${model}/versions/${score.version}`, versionSchema),
    client.find(apiPath`/v1/datasets/${score.dataset}`, datasetSchema),
  ]);
  const meaning = meaningOf(score, served);
  const { threshold } = meaning;
  const rows =
    threshold === undefined
      ? score.rows
      : score.rows.map((row) => ({ ...row, decision: row.value >= threshold }));
  const data = dataset === null ? {} : { data: quarantinedRows(dataset) };
  return { ...score, rows, ...meaning, ...data };
}

/** A model of remaining life is measured by its error; its clock is that of its readings: cycles, or hours. */
function meaningOf(
  { rows }: z.infer<typeof scoreSchema>,
  { evaluation: { metrics }, threshold }: Version,
): ScoreMeaning {
  if (metrics.test["rmse"] === undefined) return { kind: "risk", ...(threshold != null && { threshold }) };
  const isCycles = rows.every((row) => /^-?\d+$/.test(row.at));
  return { kind: "rul", unit: isCycles ? "cycles" : "h" };
}

/** Adds up what the sources of a dataset say. */
function quarantinedRows({ manifest }: z.infer<typeof datasetSchema>): QuarantinedRows {
  let read = 0;
  let quarantined = 0;
  const byReason: Record<string, number> = {};
  for (const { counts } of Object.values(manifest.sources)) {
    read += counts.read;
    quarantined += counts.quarantined;
    for (const [reason, count] of Object.entries(counts.byReason))
      byReason[reason] = (byReason[reason] ?? 0) + count;
  }
  return { read, quarantined, byReason };
}

/** Ranking as a table, at most `limit` lines of it, with the threshold of its alarms and the rows left out. */
export function showFleet(output: Output, score: FleetScore, limit: number): void {
  const { threshold, rows, data } = score;
  const title = score.kind === "risk" ? "risk" : `remaining life [${score.unit ?? ""}]`;
  const alarm = threshold === undefined ? [] : ["alarm"];
  output.table(
    ["rank", "asset", title, ...alarm, "at"],
    rows.slice(0, limit).map((row) => {
      const decision = alarm.map(() => (row.decision === true ? "yes" : "no"));
      return [String(row.rank), row.asset, valueText(score, row.value), ...decision, row.at];
    }),
  );
  if (rows.length > limit) output.line(`and ${rows.length - limit} more`);
  if (threshold !== undefined) {
    const nAlarms = rows.filter(({ decision }) => decision).length;
    const from = `${numberText(threshold * 100)} %`;
    output.line(
      `${nAlarms} of ${rows.length} assets are alarms: their risk is at or above ${from}, the threshold`,
    );
  }
  if (data !== undefined && data.quarantined > 0) {
    const reasons = Object.entries(data.byReason).map(([reason, count]) => `${reason} ${count}`);
    const left = `${data.quarantined} of ${data.read} rows were not accepted (${reasons.join(", ")})`;
    output.warn(`${left}: aura data quarantine ${score.dataset}`);
  }
}

function valueText({ kind }: ScoreMeaning, value: number): string {
  return kind === "risk" ? `${(value * 100).toFixed(1)} %` : numberText(value);
}

/** The whole ranking as CSV: rank, asset, risk or rul, decision (of a risk), unit, at, model, version, digest. */
export function fleetCsv(score: FleetScore): string {
  const { kind, unit = "", model, version, digest } = score;
  const isRisk = kind === "risk";
  const header = [
    "rank",
    "asset",
    kind,
    ...(isRisk ? ["decision"] : []),
    "unit",
    "at",
    "model",
    "version",
    "digest",
  ];
  const rows = score.rows.map((row) => [
    row.rank,
    row.asset,
    row.value,
    ...(isRisk ? [String(row.decision ?? "")] : []),
    unit,
    row.at,
    model,
    version,
    digest,
  ]);
  return csvText([header, ...rows]);
}
