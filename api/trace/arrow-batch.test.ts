import { tableFromIPC } from "apache-arrow";
import { expect, test } from "vitest";
import { PREDICTION_ROLES } from "../../schemas/serving/prediction.ts";
import type { PredictionRole } from "../../schemas/serving/prediction.ts";
import { encodeTraceBatch, END_OF_STREAM, schemaMessage, wholeMessagesLength } from "./arrow-batch.ts";
import { tracedFeatures } from "./trace-rows.ts";
import type { TraceRow } from "./trace-row.ts";

function row(i: number): TraceRow {
  return {
    predictionId: `p-${i}`,
    requestId: `r-${i}`,
    model: "pump",
    version: 3,
    digest: "d".repeat(64),
    asset: i % 3 === 0 ? null : `Trafo Ø ${i} 変圧器`,
    atMicros: 1_800_000_000_000_000 + i,
    actor: "local",
    t: i % 4 === 0 ? null : 1_700_000_000_000_001 + i,
    role: i % 7 === 6 ? "shadow" : "answer",
    features: Float64Array.from({ length: i % 5 }, (_, k) => (k === 1 ? NaN : i + k / 7)),
    outputs: Float64Array.of(i / 3),
    value: i / 3,
  };
}

function readBack(bytes: Uint8Array): TraceRow[] {
  return tableFromIPC(bytes)
    .toArray()
    .map((r) => ({
      predictionId: r.predictionId,
      requestId: r.requestId,
      model: r.model,
      version: r.version,
      digest: r.digest,
      asset: r.asset,
      atMicros: Number(r.at) * 1_000,
      actor: r.actor,
      t: r.t,
      role: PREDICTION_ROLES[r.role] as PredictionRole,
      features: Float64Array.from(r.features),
      outputs: Float64Array.from(r.outputs),
      value: r.outputs.get(0),
    }));
}

test("a reader of Arrow reads every batch as it was written", () => {
  const batches = [[0], [1, 2, 3], Array.from({ length: 70 }, (_, i) => i)].map((ids) => ids.map(row));
  const bytes = Buffer.concat([schemaMessage(), ...batches.map(encodeTraceBatch), END_OF_STREAM]);
  const expected = batches.flat().map((r) => ({ ...r, atMicros: expect.closeTo(r.atMicros, -1) }));
  expect(readBack(bytes)).toEqual(expected);
});

test("the features of one row are found by its number", () => {
  const batches = [[0], [1, 2, 3], Array.from({ length: 70 }, (_, i) => i + 4)].map((ids) => ids.map(row));
  const bytes = Buffer.concat([schemaMessage(), ...batches.map(encodeTraceBatch)]);
  for (const rowNumber of [0, 2, 3, 4, 73]) {
    const asked = { rowNumber, predictionId: `p-${rowNumber}` };
    expect(tracedFeatures(bytes, asked)).toEqual(row(rowNumber).features);
  }
  expect(tracedFeatures(bytes, { rowNumber: 2, predictionId: "p-3" })).toBeUndefined();
  expect(tracedFeatures(bytes, { rowNumber: 74, predictionId: "p-74" })).toBeUndefined();
});

test("a torn tail is found at every length", () => {
  const whole = Buffer.concat([schemaMessage(), encodeTraceBatch([row(1)])]);
  const next = encodeTraceBatch([row(2), row(4)]);
  for (let cut = 0; cut < next.length; cut += 7) {
    expect(wholeMessagesLength(Buffer.concat([whole, next.subarray(0, cut)]))).toBe(whole.length);
  }
  expect(wholeMessagesLength(Buffer.concat([whole, next]))).toBe(whole.length + next.length);
  const ended = Buffer.concat([whole, next, END_OF_STREAM]);
  expect(wholeMessagesLength(ended)).toBe(ended.length);
  for (let cut = 1; cut <= END_OF_STREAM.length; cut++)
    expect(wholeMessagesLength(ended.subarray(0, -cut))).toBe(ended.length - END_OF_STREAM.length);
});
