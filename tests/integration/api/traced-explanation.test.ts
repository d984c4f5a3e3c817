import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { explainTraced } from "../../../api/routes/serving/traced-explanation.ts";
import { Explanations } from "../../../api/serving/explanations.ts";
import { encodeTraceBatch, schemaMessage } from "../../../api/trace/arrow-batch.ts";
import type { TraceRow } from "../../../api/trace/trace-row.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

/** Explaining predictions of the past: from index row to segment, version, thread and words. */

const objects = new MemoryObjects();
const explanations = new Explanations({ objects, logger: pino({ level: "silent" }) });
let segment: ObjectRef;
let version: Awaited<ReturnType<typeof putTinyVersion>>;

beforeAll(async () => {
  version = await putTinyVersion(objects);
  const rows = [
    [7, 2],
    [3, 1],
  ].map(([voltage = 0, current = 0], i): TraceRow => ({
    predictionId: `p-${i}`,
    requestId: "r",
    model: "pump",
    version: 1,
    digest: version.digest,
    asset: "unit-7",
    atMicros: 1_800_000_000_000_000,
    actor: "local",
    t: null,
    role: "answer",
    features: Float64Array.of(voltage, current),
    outputs: Float64Array.of(2 * voltage + current + 1),
    value: 2 * voltage + current + 1,
  }));
  segment = await objects.put("logs/s.arrow", Buffer.concat([schemaMessage(), encodeTraceBatch(rows)]));
});
afterAll(() => explanations.close());

/** The index has one row, as `changed`. */
function explain(changed: { readonly offset?: number; readonly object?: null; readonly digest?: string }) {
  const row = {
    predictionId: "p-1",
    model: "pump",
    version: 1,
    digest: version.digest,
    asset: "unit-7",
    at: "2027-01-15T08:00:00.000Z",
    actor: "local",
    segment: "s",
    offset: 1,
    value: 8,
    requestId: "r",
    object: segment,
    ...changed,
  };
  const database = {
    predictions: {
      get: async (id: string) => (id === "p-1" ? row : undefined),
      want: async () => undefined,
    },
    registry: { version: async () => version },
  };
  return explainTraced("p-1", 1, { database: () => database, objects, explanations } as never);
}

test("a stored prediction is explained by the version that made it", async () => {
  expect(await explain({})).toMatchObject({
    predictionId: "p-1",
    model: "pump",
    asset: "unit-7",
    value: 8,
    explanation: {
      rawScore: 8,
      expected: 1,
      contributions: [{ feature: "voltage", value: 3, contribution: 6 }],
      others: 1,
    },
  });
});

test.each([
  ["is still in the spool", { object: null }, "conflict"],
  ["is not where its index says", { offset: 0 }, "integrity"],
  ["is of another digest than its version", { digest: "e".repeat(64) }, "integrity"],
] as const)("one that %s is not", async (_name, changed, code) => {
  await expect(explain(changed)).rejects.toMatchObject({ code });
});
