import {
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  Float32,
  Int32,
  Int64,
  Int8,
  List,
  Field,
  makeVector,
  Null,
  Table,
  tableFromArrays,
  tableToIPC,
  TimestampMicrosecond,
  Uint16,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { readArrowReadings } from "../readings/arrow-readings.ts";
import { openArrowTable } from "./open-table.ts";

const open = (bytes: Uint8Array) => openArrowTable(bytes, "read");
const stream = (table: Table): Uint8Array => tableToIPC(table, "stream");
const sample = () =>
  stream(
    new Table({
      asset: vectorFromArray(["p1", "p2", null, "p1"], new Dictionary(new Utf8(), new Int8())),
      time: vectorFromArray([1, 2, 3, 4], new TimestampMicrosecond("UTC")),
      text: vectorFromArray(["a", "", null, "long enough to be moved"], new Utf8()),
      x: makeVector(Float64Array.of(1, 2, NaN, 4)),
      is: vectorFromArray([true, null, false, true], new Bool()),
    }),
  );

it("opens columns of every flat type, in any number of batches", () => {
  const table = new Table({
    a: vectorFromArray([1, null, 3], new Int32()),
    b: vectorFromArray([1n, 2n, 3n], new Int64()),
    c: vectorFromArray([1, 2, 3], new Uint16()),
    d: vectorFromArray([1, 2, 3], new Float32()),
    e: vectorFromArray([new Date(0), null, new Date(86_400_000)], new DateDay()),
    f: vectorFromArray([null, null, null], new Null()),
    g: vectorFromArray(["x", "y", "x"], new Dictionary(new Utf8(), new Int32())),
    h: vectorFromArray([Uint32Array.of(1, 0, 0, 0), null, null], new Decimal(2, 10, 128)),
  });
  expect(open(stream(table)).numRows).toBe(3);
  expect(open(stream(table.concat(table) as Table)).numRows).toBe(6);
  expect(open(sample()).numRows).toBe(4);
});

describe("of what a stream says of itself nothing is believed", () => {
  it("is refused where it is not all there, or no stream", () => {
    const bytes = sample();
    for (let length = 0; length < bytes.length - 16; length += 8)
      expect(() => open(bytes.subarray(0, length)), `${length} bytes`).toThrow(/expected/);
    expect(() => open(tableToIPC(tableFromArrays({ x: [1] }), "file"))).toThrow("Arrow IPC stream");
  });

  it("refuses columns in columns", () => {
    const lists = vectorFromArray([[1], [2]], new List(new Field("item", new Int32(), true)));
    expect(() => open(stream(new Table({ lists })))).toThrow("flat columns");
  });

  it("refuses a text in a dictionary that would be read in every row", () => {
    const text = vectorFromArray(["x".repeat(5_000)], new Dictionary(new Utf8(), new Int8()));
    expect(() => open(stream(new Table({ text })))).toThrow("of 5000 bytes");
  });

  it("refuses texts that are small in a dictionary and large in their rows", () => {
    const asset = vectorFromArray(
      Array.from({ length: 9_000 }, () => "x".repeat(4_000)),
      new Dictionary(new Utf8(), new Int8()),
    );
    expect(() => readArrowReadings(stream(new Table({ asset })))).toThrow("characters together");
  });

  it("answers whatever bytes are changed, soon and without a crash", { timeout: 60_000 }, () => {
    const bytes = sample();
    const generator = createGenerator(7);
    const refused = { yes: 0, no: 0 };
    for (let n = 0; n < 3_000; n++) {
      const changed = Uint8Array.from(bytes);
      for (let k = 0; k <= generator.integer(3); k++)
        changed[generator.integer(changed.length)] = generator.integer(256);
      const begin = performance.now();
      try {
        readArrowReadings(changed);
        refused.no++;
      } catch (error) {
        if (!isPlatformError(error)) throw error;
        refused.yes++;
      }
      expect(performance.now() - begin).toBeLessThan(1_000);
    }
    expect(refused.yes).toBeGreaterThan(300);
    expect(refused.no).toBeGreaterThan(300);
  });

  it("refuses more rows than their bytes hold", () => {
    const bytes = Buffer.from(stream(tableFromArrays({ x: Float64Array.of(1, 2) })));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let nChanged = 0;
    for (let at = 0; at + 8 <= bytes.length; at += 4) {
      if (view.getBigInt64(at, true) !== 2n) continue;
      view.setBigInt64(at, 1_000n, true);
      try {
        expect(open(bytes).numRows).toBe(2);
      } catch (error) {
        if (!isPlatformError(error)) throw error;
      }
      view.setBigInt64(at, 2n, true);
      nChanged++;
    }
    expect(nChanged).toBeGreaterThanOrEqual(2);
  });
});
