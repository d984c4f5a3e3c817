import { tableFromIPC } from "apache-arrow";
import type { Table } from "apache-arrow";
import { PREDICTION_ROLES } from "../../schemas/serving/prediction.ts";
import type { PredictionRole } from "../../schemas/serving/prediction.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { PredictionStore } from "../../stores/postgres/port.ts";

/** Traced predictions of one version in a window: what it was asked and what it answered. */
export interface TraceWindow {
  readonly nRows: number;
  /** Row-major (nRows × nFeatures), NaN = missing. */
  readonly features: Float64Array;
  readonly nFeatures: number;
  /** Row-major (nRows × nOutputs). */
  readonly outputs: Float64Array;
  readonly nOutputs: number;
  /** Asset id per row; rows without one stand for themselves. */
  readonly assets: readonly string[];
}

export interface WindowQuery {
  readonly model: string;
  readonly digest: string;
  /** Default: answers alone. */
  readonly role?: PredictionRole;
  /** Half-open: start ≤ at < end, ISO 8601. */
  readonly start: string;
  readonly end: string;
}

/** Rows beyond this are not read: enough for any verdict, and memory stays bounded. */
const MAX_ROWS = 200_000;

/**
 * Reads the shipped trace segments of a window.
 *
 * Rows of other versions are left out; rows answered twice (a segment that was recovered after a crash) count once.
 */
export async function readTraceWindow(
  stores: { readonly objects: ObjectStore; readonly predictions: PredictionStore },
  query: WindowQuery,
): Promise<TraceWindow> {
  const window = new WindowBuilder(query);
  for (const segment of await stores.predictions.segments(query.model, query.start)) {
    if (window.isFull) break;
    window.add(tableFromIPC(await stores.objects.get(segment.object, 512 * 1024 * 1024)));
  }
  return window.finish();
}

class WindowBuilder {
  readonly #query: WindowQuery;
  readonly #role: PredictionRole;
  readonly #startMicros: number;
  readonly #endMicros: number;
  readonly #seen = new Set<string>();
  readonly #features: number[][] = [];
  readonly #outputs: number[][] = [];
  readonly #assets: string[] = [];

  constructor(query: WindowQuery) {
    this.#query = query;
    this.#role = query.role ?? "answer";
    this.#startMicros = Date.parse(query.start) * 1000;
    this.#endMicros = Date.parse(query.end) * 1000;
  }

  get isFull(): boolean {
    return this.#features.length >= MAX_ROWS;
  }

  add(table: Table): void {
    const at = table.getChild("at");
    for (const [index, row] of table.toArray().entries()) {
      if (this.isFull) return;
      // The column's own getter gives milliseconds and drops the rest, which is precise enough for a window.
      const micros = Number(at?.get(index) ?? Number.NaN) * 1000;
      if (row["model"] !== this.#query.model || row["digest"] !== this.#query.digest) continue;
      if (!(micros >= this.#startMicros && micros < this.#endMicros)) continue;
      // Segments of before it was kept have answers alone.
      if (PREDICTION_ROLES[row["role"] ?? 0] !== this.#role) continue;
      const id = String(row["predictionId"]);
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.#features.push(Array.from(row["features"] as Iterable<number>));
      this.#outputs.push(Array.from(row["outputs"] as Iterable<number>));
      this.#assets.push(row["asset"] === null ? `\u0000${id}` : String(row["asset"]));
    }
  }

  finish(): TraceWindow {
    const nRows = this.#features.length;
    return {
      nRows,
      features: Float64Array.from(this.#features.flat()),
      nFeatures: this.#features[0]?.length ?? 0,
      outputs: Float64Array.from(this.#outputs.flat()),
      nOutputs: this.#outputs[0]?.length ?? 0,
      assets: this.#assets,
    };
  }
}
