import { Float64, List, Field, Table, tableToIPC, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { PredictionStore, VersionPrediction } from "../../stores/postgres/port.ts";
import { mostRows, readTraceWindow } from "./trace-window.ts";

const N_SEGMENTS = 10;
const ROWS_EACH = 10;
const WINDOW = { model: "m", digest: "d", since: "2026-11-21T00:00:00Z", until: "2026-11-22T00:00:00Z" };

const lists = (rows: readonly number[][]) =>
  vectorFromArray(rows, new List(new Field("item", new Float64(), true)));

/** An hour of predictions, one segment each, whose first feature says which it is; the last segment is not shipped. */
function recorded() {
  const rows: VersionPrediction[] = [];
  const shipped = new Map<string, Uint8Array>();
  for (let s = 0; s < N_SEGMENTS; s++) {
    const numbers = Array.from({ length: ROWS_EACH }, (_, i) => s * ROWS_EACH + i);
    const ids = numbers.map((n) => `p-${n}`);
    const asset = (n: number) => (n % 2 === 0 ? null : `a${n % 5}`);
    for (const n of numbers)
      rows.push({
        predictionId: `p-${n}`,
        requestId: "r",
        asset: asset(n),
        t: null,
        value: n,
        segment: `s${s}`,
      });
    const table = new Table({
      // A recovered segment has its last row twice, and rows of others beside.
      predictionId: vectorFromArray([...ids, ids.at(-1) ?? "", "p-of-another"]),
      features: lists([...numbers, numbers.at(-1) ?? 0, 9_999].map((n) => [n, Number.NaN])),
      outputs: lists([...numbers, numbers.at(-1) ?? 0, 9_999].map((n) => [n / 100])),
    });
    if (s < N_SEGMENTS - 1) shipped.set(`s${s}`, tableToIPC(table, "stream"));
  }
  const predictions: Pick<PredictionStore, "ofVersion" | "objectsOf"> = {
    ofVersion: async (_window, limit) => {
      const step = Math.ceil(rows.length / limit);
      return { total: rows.length, rows: rows.filter((_, i) => i % step === 0) };
    },
    objectsOf: async (segments) =>
      segments
        .filter((segment) => shipped.has(segment))
        .map((segment) => ({ segment, object: { key: segment, sha256: "", bytes: 0 } })),
  };
  const objects = { get: async ({ key }: ObjectRef) => shipped.get(key) ?? new Uint8Array() };
  return { objects, predictions };
}

describe("readTraceWindow", () => {
  it("reads every shipped row once, in order of time", async () => {
    const window = await readTraceWindow(recorded(), WINDOW, 1_000);
    const nShipped = (N_SEGMENTS - 1) * ROWS_EACH;
    expect(window).toMatchObject({ nRows: nShipped, nFeatures: 2, nOutputs: 1 });
    expect(window.features.filter((_, i) => i % 2 === 0)).toEqual(
      Float64Array.from({ length: nShipped }, (_, n) => n),
    );
    expect(window.features[1]).toBeNaN();
    expect(window.outputs).toEqual(Float64Array.from({ length: nShipped }, (_, n) => n / 100));
    expect(window.assets.slice(0, 4)).toEqual(["\u0000p-0", "a1", "\u0000p-2", "a3"]);
  });

  it("of more rows than it may hold reads some of the whole window, the last hour too", async () => {
    const window = await readTraceWindow(recorded(), WINDOW, 20);
    expect([...window.outputs].map((value) => Math.round(value * 100))).toEqual(
      Array.from({ length: 18 }, (_, i) => 5 * i),
    );
  });

  it("of nothing is empty", async () => {
    const { objects } = recorded();
    const nothing = { ofVersion: async () => ({ total: 0, rows: [] }), objectsOf: async () => [] };
    const window = await readTraceWindow({ objects, predictions: nothing }, WINDOW, 20);
    expect(window).toMatchObject({ nRows: 0, nFeatures: 0, nOutputs: 0, assets: [] });
  });

  it("holds fewer rows the wider they are", () => {
    expect([0, 50, 100, 1_000, 10_000, 1e9].map(mostRows)).toEqual([
      200_000, 200_000, 200_000, 20_000, 2_000, 1,
    ]);
  });
});
