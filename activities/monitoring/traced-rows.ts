import { tableFromIPC } from "apache-arrow";
import type { Table } from "apache-arrow";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { PredictionStore, VersionPrediction } from "../../stores/postgres/port.ts";

/** Rows beyond this are sampled: enough for any verdict, and memory stays bounded. */
export const MOST_ROWS = 200_000;

const SEGMENT_BYTES = 512 * 1024 * 1024;

export interface TraceStores {
  readonly objects: Pick<ObjectStore, "get">;
  readonly predictions: Pick<PredictionStore, "objectsOf">;
}

/**
 * Reads of each prediction what its segment has of it. Segment after segment: one is in memory at a time, so that what `read`
 * keeps must be a copy.
 *
 * @param read  gets the segment's rows, which of them it is, and the place of the prediction in `rows`
 * @returns whether each was read, by place; those whose segment is not shipped yet are not
 */
export async function readTraced(
  { objects, predictions }: TraceStores,
  rows: readonly Pick<VersionPrediction, "predictionId" | "segment">[],
  read: (table: Table, row: number, place: number) => void,
): Promise<boolean[]> {
  const places = new Map(rows.map(({ predictionId }, place) => [predictionId, place]));
  const isRead = rows.map(() => false);
  for (const { object } of await predictions.objectsOf([...new Set(rows.map(({ segment }) => segment))])) {
    const table = tableFromIPC(await objects.get(object, SEGMENT_BYTES));
    const ids = table.getChild("predictionId");
    for (let row = 0; row < table.numRows; row++) {
      const place = places.get(String(ids?.get(row)));
      if (place === undefined) continue;
      read(table, row, place);
      isRead[place] = true;
    }
  }
  return isRead;
}

/** A copy of the numbers of one row in a column of lists. */
export function listAt(table: Table, column: string, row: number): Float64Array {
  return Float64Array.from((table.getChild(column)?.get(row) ?? []) as Iterable<number>);
}
