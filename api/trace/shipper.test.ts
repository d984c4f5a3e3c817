import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { PredictionIndexRow, PredictionStore } from "../../stores/postgres/port.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { TraceShipper } from "./shipper.ts";
import { TraceSpool } from "./spool.ts";
import type { TraceRow } from "./trace-row.ts";

let dir: string;
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), "aura-shipper-"))));
afterEach(() => rm(dir, { recursive: true, force: true }));

function row(id: string, asset: string | null, model = "pump"): TraceRow {
  return {
    predictionId: id,
    requestId: "r",
    model,
    version: 1,
    digest: "d".repeat(64),
    asset,
    atMicros: Date.parse("2026-01-02T03:04:05.678Z") * 1_000,
    actor: "local",
    t: null,
    role: "answer",
    features: Float64Array.of(1),
    outputs: Float64Array.of(2),
    value: 2,
  };
}

/** Index and objects in memory; the index checks as the table does, and refuses some rows for no visible cause. */
function createStores() {
  const indexed = new Map<string, PredictionIndexRow>();
  const recorded = new Map<string, string>();
  const objects = new Map<string, Uint8Array>();
  const dataFault = () => Object.assign(new Error("invalid input"), { code: "22021" });
  let isAway = false;
  const predictions = {
    async index(rows: readonly PredictionIndexRow[]) {
      if (isAway) throw new PlatformError("database_unavailable", "away");
      for (const { asset, actor } of rows) {
        const nBytes = asset === null ? 1 : Buffer.byteLength(asset);
        if (nBytes < 1 || nBytes > 128 || asset?.includes("\0") === true || actor === "odd")
          throw dataFault();
      }
      for (const r of rows) indexed.set(r.predictionId, r);
    },
    async shipped(segment: string, object: ObjectRef) {
      const known = recorded.get(segment) ?? object.sha256;
      if (known !== object.sha256) throw new PlatformError("conflict", "ship segment: other bytes");
      recorded.set(segment, known);
    },
  } as unknown as PredictionStore;
  const store = {
    async putFile(key: string, path: string): Promise<ObjectRef> {
      const bytes = await readFile(path);
      objects.set(key, bytes);
      return { key, sha256: sha256Hex(bytes), bytes: bytes.length };
    },
  } as unknown as ObjectStore;
  const setAway = (value: boolean): void => void (isAway = value);
  return { indexed, recorded, objects, predictions, store, setAway };
}

function shipperOf(spool: TraceSpool, stores: ReturnType<typeof createStores>) {
  const setAside: string[] = [];
  const shipper = new TraceShipper({
    spool,
    objects: stores.store,
    predictions: () => stores.predictions,
    headlineOf: ({ outputs }) => outputs[0] ?? NaN,
    logger: pino({ enabled: false }),
    onSetAside: (what, count) => void setAside.push(`${count} ${what}`),
    intervalMs: 1_000_000,
  });
  return { shipper, setAside };
}

const HOSTILE = [
  row("nul", "a\0b"),
  row("empty", ""),
  row("long", "x".repeat(129)),
  { ...row("odd", null), actor: "odd" },
];

test("rows the index refuses hold up nothing: the others are indexed, every segment is shipped", async () => {
  const spool = await TraceSpool.start({ dir });
  const stores = createStores();
  await spool.append("pump", [row("p1", "unit-1"), ...HOSTILE, row("p2", null)]);
  await spool.append("fan", [row("f1", "unit-2", "fan")]);
  await spool.rotateAll();
  const { shipper, setAside } = shipperOf(spool, stores);
  await shipper.round();
  expect([...stores.indexed.keys()].toSorted()).toEqual(["f1", "p1", "p2"]);
  expect(setAside).toEqual(["4 row"]);
  const key = [...stores.objects.keys()].find((k) => k.includes("/pump/")) ?? "";
  expect(tableFromIPC(stores.objects.get(key) ?? new Uint8Array()).numRows).toBe(6);
  expect(spool.status()).toEqual({ closedSegments: 0, closedBytes: 0, pendingIndexRows: 0 });
  await shipper.close();
  await spool.close();
});

test("a spool file of an earlier process with such rows is taken over, and so is what is behind it", async () => {
  const killed = await TraceSpool.start({ dir });
  await killed.append("fan", [row("f1", "a\0b", "fan"), row("f2", "unit-2", "fan")]);
  await killed.append("pump", [row("p1", "unit-1")]);
  await mkdir(join(dir, "alien"));
  await writeFile(join(dir, "alien", "notes.arrow"), "no segment");
  const spool = await TraceSpool.start({ dir });
  const stores = createStores();
  const { shipper, setAside } = shipperOf(spool, stores);
  await shipper.round();
  expect([...stores.indexed.keys()].toSorted()).toEqual(["f2", "p1"]);
  expect(setAside.toSorted()).toEqual(["1 row", "1 segment"]);
  expect(await readdir(join(dir, "alien"))).toEqual(["notes.arrow.aside"]);
  expect(spool.status()).toEqual({ closedSegments: 0, closedBytes: 0, pendingIndexRows: 0 });
  await shipper.close();
  await killed.close();
  await spool.close();
});

test("a closed segment left after it was recorded ships under the same hash; a changed one is set aside", async () => {
  const ended = await TraceSpool.start({ dir });
  await ended.append("pump", [row("p1", "unit-1")]);
  await ended.append("fan", [row("f1", "unit-1", "fan")]);
  await ended.close();
  const stores = createStores();
  for (const model of ["pump", "fan"]) {
    const [file = ""] = await readdir(join(dir, model));
    stores.recorded.set(file.slice(0, -".arrow".length), sha256Hex(await readFile(join(dir, model, file))));
  }
  const [fan = ""] = await readdir(join(dir, "fan"));
  stores.recorded.set(fan.slice(0, -".arrow".length), "0".repeat(64));
  const spool = await TraceSpool.start({ dir });
  const { shipper, setAside } = shipperOf(spool, stores);
  await shipper.round();
  expect([await readdir(join(dir, "pump")), await readdir(join(dir, "fan"))]).toEqual([[], [`${fan}.aside`]]);
  expect(setAside).toEqual(["1 segment"]);
  expect(stores.indexed.size).toBe(2);
  await shipper.close();
  await spool.close();
});

test("a store that is away stops the round, and all goes on when it is back", async () => {
  const spool = await TraceSpool.start({ dir });
  const stores = createStores();
  await spool.append("pump", [row("p1", "unit-1")]);
  await spool.rotateAll();
  const { shipper, setAside } = shipperOf(spool, stores);
  stores.setAway(true);
  await expect(shipper.round()).rejects.toMatchObject({ code: "database_unavailable" });
  stores.setAway(false);
  await shipper.round();
  expect([stores.indexed.size, stores.recorded.size, setAside]).toEqual([1, 1, []]);
  await shipper.close();
  await spool.close();
});
