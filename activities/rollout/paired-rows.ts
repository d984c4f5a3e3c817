import type { PredictedRows } from "../performance/predicted-rows.ts";
import type { VersionPrediction } from "../../stores/postgres/port.ts";

/** Answers of both versions to the same rows, in the same order. */
export interface PairedRows {
  readonly candidate: PredictedRows;
  readonly champion: PredictedRows;
}

/**
 * What both versions have answered: rows of the same request about the same asset and time, the first of one side with the
 * first of the other, as a request's rows are traced in order. Rows that one side has no answer to (it failed, was too busy, or could
 * not be asked, or learnt from it) are on neither, and so are those of which the two sides have different numbers.
 */
export function pairRows(candidate: PredictedRows, champion: PredictedRows): PairedRows {
  const groups = new Map<string, { readonly ofCandidate: number[]; readonly ofChampion: number[] }>();
  candidate.rows.forEach((row, i) => {
    const key = keyOf(row);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { ofCandidate: [i], ofChampion: [] });
    else known.ofCandidate.push(i);
  });
  champion.rows.forEach((row, i) => groups.get(keyOf(row))?.ofChampion.push(i));
  const same = [...groups.values()].filter((one) => one.ofCandidate.length === one.ofChampion.length);
  return {
    candidate: pick(
      candidate,
      same.flatMap(({ ofCandidate }) => ofCandidate),
    ),
    champion: pick(
      champion,
      same.flatMap(({ ofChampion }) => ofChampion),
    ),
  };
}

/** Ids of one side's predictions by those of the other's to the same rows. */
export function counterparts(of: PredictedRows, beside: PredictedRows): ReadonlyMap<string, string> {
  return new Map(
    of.rows.map(({ predictionId }, i) => [beside.rows[i]?.predictionId ?? "", predictionId] as const),
  );
}

const keyOf = ({ requestId, asset, t }: VersionPrediction): string => JSON.stringify([requestId, asset, t]);

function pick({ rows, answers, width, ...counts }: PredictedRows, at: readonly number[]): PredictedRows {
  const picked = new Float64Array(at.length * width);
  at.forEach((row, i) => picked.set(answers.subarray(row * width, (row + 1) * width), i * width));
  return { ...counts, rows: at.map((row) => rows[row] as VersionPrediction), answers: picked, width };
}
