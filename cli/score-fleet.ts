import { fleetScoreSchema } from "../schemas/serving/score.ts";
import type { RankedAsset, ScoreSummary } from "../schemas/serving/score.ts";
import { z } from "zod";
import { apiPath } from "./client.ts";
import type { Connection } from "./connection.ts";
import { timeText } from "./list-view.ts";
import { safeText } from "./output.ts";
import type { Output } from "./output.ts";
import { patient } from "./run/follow-run.ts";
import type { LocalFile } from "./run/local-files.ts";
import { startWithFiles } from "./run/upload.ts";

const startedSchema = z.looseObject({
  scoreId: z.string(),
  isNew: z.boolean(),
  version: z.number(),
  /** Of the same files, by the same version; absent in replies of earlier servers. */
  scoredAt: z.string().nullish(),
});

export interface FleetRow extends RankedAsset {
  /** Whether the risk reaches the threshold; absent where the model decides nothing. */
  readonly decision?: boolean;
  /** Name of the class that `value` is the index of. */
  readonly label?: string;
}

/** A fleet, most urgent first: the document of `aura score --json`. */
export interface FleetScore extends ScoreSummary {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly dataset: string;
  readonly rows: readonly FleetRow[];
}

/** A fleet of a hundred thousand assets takes minutes. */
const SCORE_MS = 30 * 60_000;

/**
 * Ranks the assets of some files with a model's champion.
 *
 * @throws {PlatformError} no_champion, bad_file, quality_gate where no reading can be used, and what every request
 *   throws; not_found: no answer within 30 minutes
 */
export async function scoreFleet(
  { client, signal }: Connection,
  {
    output,
    model,
    files,
  }: { readonly output: Output; readonly model: string; readonly files: readonly LocalFile[] },
): Promise<FleetScore> {
  const { scoreId, version, scoredAt } = await startWithFiles(files, { client, output }, (raw) =>
    client.post("/v1/scores", { reply: startedSchema, body: { model, files: raw } }),
  );
  output.progress(`scoring with ${model}@${version}`);
  const path = apiPath`/v1/scores/${scoreId}`;
  const ask = patient(() => client.get(path, fleetScoreSchema), { signal, patienceMs: SCORE_MS });
  const { summary, rows, ...job } = await ask();
  output.endProgress();
  if (scoredAt != null)
    output.note(
      safeText(
        `${model}@${version} scored these very files at ${timeText(scoredAt)}: it is that score again, no new answer, and opens no further recommendation`,
      ),
    );
  return { ...job, ...summary, rows: rows.map((row) => ({ ...row, ...verdictOf(row, summary) })) };
}

function verdictOf(
  { value }: RankedAsset,
  { threshold, classLabels }: ScoreSummary,
): Pick<FleetRow, "decision" | "label"> {
  const label = classLabels?.[value];
  return {
    ...(threshold === null ? {} : { decision: value >= threshold }),
    ...(label === undefined ? {} : { label }),
  };
}
