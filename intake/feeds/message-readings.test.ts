import { expect, it } from "vitest";
import { liveSourceSchema } from "../../schemas/live/source.ts";
import type { ReadingMap } from "../../schemas/live/feed.ts";
import type { StreamMessage } from "../../sources/streams/stream.ts";
import { createReadingsOf, placedReadings } from "./message-readings.ts";

const SOURCE = liveSourceSchema.parse({
  name: "pumps",
  owner: "tests",
  columns: [
    { name: "pressure" },
    { name: "mode", type: "text", values: ["1", "run"] },
    { name: "is_open", type: "boolean" },
  ],
});
const readings = (message: StreamMessage, map?: ReadingMap): unknown[] =>
  createReadingsOf(map, SOURCE)(message);
const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const READING = { asset: "p1", time: "2026-01-01T00:00:00Z", values: { pressure: 1 } };

it.each<[string, unknown, ReadingMap | undefined, unknown[]]>([
  ["one reading", READING, undefined, [READING]],
  ["a list", [READING, READING], undefined, [READING, READING]],
  ["a whole body", { source: "pumps", readings: [READING] }, undefined, [READING]],
  [
    "flat fields",
    { asset: "p1", time: "t", pressure: 1, mode: null },
    undefined,
    [{ asset: "p1", time: "t", values: { pressure: 1, mode: null } }],
  ],
  [
    "a field of the form of a key",
    { asset: null, device: "d", values: 3 },
    undefined,
    [{ device: "d", values: { values: 3 } }],
  ],
  ["no JSON", "{broken", undefined, ["{broken"]],
  ["a key twice", '{"asset":"p1","asset":"p2"}', undefined, ['{"asset":"p1","asset":"p2"}']],
  ["a number", "3", undefined, [3]],
  [
    "paths, topic and constants",
    {
      data: [
        { m: { id: 7 }, at: 5, p: 1.5 },
        { m: {}, at: 6 },
      ],
    },
    { items: "data", asset: "$topic.2", epoch: "=1", time: "at", seq: "m.id", values: { pressure: "p" } },
    [
      { asset: "pump-1", epoch: 1, time: 5, seq: 7, values: { pressure: 1.5 } },
      { asset: "pump-1", epoch: 1, time: 6, values: {} },
    ],
  ],
  [
    "what is not mapped",
    { machine: "m1", time: "t", pressure: 2 },
    { asset: "machine" },
    [{ asset: "m1", time: "t", values: { pressure: 2 } }],
  ],
  [
    "the time and key of the message",
    { pressure: 2 },
    { device: "$key", time: "$time" },
    [{ device: "k", time: "2026-01-01T00:00:00.000Z", values: { pressure: 2 } }],
  ],
  ["items that are not there", { x: 1 }, { items: "data" }, [{ values: { x: 1 } }]],
  [
    "a prototype's name",
    { asset: "a", time: "t" },
    { values: { pressure: "constructor.name" } },
    [{ asset: "a", time: "t", values: {} }],
  ],
])("finds %s", (_, body, map, expected) => {
  const message = { body: bytes(body), topic: "plant/pump-1/x", key: "k", sentAt: Date.UTC(2026, 0, 1) };
  expect(readings(message, map)).toEqual(expected);
});

it("reads the cells of a table by the columns of the source", () => {
  const row = {
    asset: "7",
    time: "2026-01-01T00:00:00Z",
    seq: "3",
    pressure: " 1.5e0 ",
    mode: "1",
    is_open: "True",
    more: "x",
  };
  expect(readings({ body: row, isText: true })).toEqual([
    {
      asset: "7",
      time: "2026-01-01T00:00:00Z",
      seq: 3,
      values: { pressure: 1.5, mode: "1", is_open: true, more: "x" },
    },
  ]);
  expect(
    readings({ body: { asset: "7", time: "", pressure: "", mode: "", is_open: "perhaps" }, isText: true }),
  ).toEqual([{ asset: "7", values: { pressure: null, mode: null, is_open: "perhaps" } }]);
});

it("knows readings again by the place of their message and their own in it", () => {
  const messages = [
    { body: Buffer.from("[1, 2]"), place: "t 0 7" },
    { body: Buffer.from("[]"), place: "t 0 8" },
    { body: Buffer.from("3") },
    { body: Buffer.from("4"), place: "t 0 9", file: "june.csv", row: 10 },
  ];
  const readingsOf = createReadingsOf(undefined, SOURCE);
  const placed = placedReadings(messages, { readingsOf, prefix: "feed f" });
  expect(placed.readings).toEqual([1, 2, 3, 4]);
  expect(placed.readings.map((_, i) => placed.placeOf(i))).toEqual([
    "feed f t 0 7 0",
    "feed f t 0 7 1",
    undefined,
    "feed f t 0 9 0",
  ]);
  expect(placed.readings.map((_, i) => placed.rowOf?.(i))).toEqual([
    undefined,
    undefined,
    undefined,
    "june.csv, row 10",
  ]);
});

it("sets a list aside as one that has more items than readings fit into it", () => {
  const few = `[${"0,".repeat(999)}0]`;
  expect(readings({ body: bytes(few) })).toHaveLength(1_000);
  const many = `[${"0,".repeat(400_000)}0]`;
  expect(readings({ body: bytes(many) })).toEqual([many]);
  const short = `[${'{"n":1,"v":2},'.repeat(30_000)}{}]`;
  expect(readings({ body: bytes(short) })).toHaveLength(30_001);
  const empty = `[${"{},".repeat(300_000)}{}]`;
  expect(readings({ body: bytes(empty) })).toEqual([empty]);
});
