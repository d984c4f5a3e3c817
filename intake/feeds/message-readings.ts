/**
 * Readings of a message: where they stand in it, whose they are, and what their values are called. Pure; what is no reading is
 * given on as it came, so that it is set aside with its reason.
 */
import { parseStrictJson } from "../../schemas/json/strict-json.ts";
import type { ReadingMap } from "../../schemas/live/feed.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import type { Column } from "../../schemas/pipeline/source.ts";
import { isItem, itemsOf, memberOf, valueAt } from "../../sources/streams/item-path.ts";
import type { Item } from "../../sources/streams/item-path.ts";
import type { StreamMessage } from "../../sources/streams/stream.ts";
import type { PlacedReadings } from "../reading-intake.ts";

/** A reading has two objects in its forty bytes: what has many more for its length is none, and costs a hundred times its bytes. */
const FEW_CONTAINERS = 1_000;
const BYTES_PER_CONTAINER = 8;
const FEW_ITEMS = 1_000;
/** Where time and asset are the message's, `{"n":1,"v":2},` has fourteen. */
const BYTES_PER_ITEM = 8;
const KEYS = ["asset", "device", "time", "epoch", "seq"] as const;
type Key = (typeof KEYS)[number];
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/** @returns readings of a message, one or many */
export type ReadingsOf = (message: StreamMessage) => unknown[];

/** Prepares the mapping of a feed to its source, once. */
export function createReadingsOf(
  map: ReadingMap | undefined,
  source: Pick<LiveSource, "columns" | "time">,
): ReadingsOf {
  const columns = new Map(source.columns.map((column) => [column.name, column]));
  const hasNumericTime = source.time.kind === "cycle" || source.time.epochUnit !== undefined;
  const readCell = (name: string, text: string): unknown => {
    if (name === "epoch" || name === "seq" || (name === "time" && hasNumericTime)) return numberOrText(text);
    return cellOf(columns.get(name), text);
  };
  return (message) => {
    const body = bodyOf(message.body);
    const items = itemsIn(
      map?.items === undefined ? body : (placeOf(map.items, body, message) ?? body),
      message,
    );
    return items.map((item) => {
      if (!isItem(item)) return item;
      const reading = map === undefined ? plainReading(item) : mappedReading(item, message, map);
      return message.isText === true ? withCells(reading, readCell, columns) : reading;
    });
  };
}

/** Readings of messages, each known again by the place of its message. @param prefix  what the places are of */
export function placedReadings(
  messages: readonly StreamMessage[],
  { readingsOf, prefix }: { readonly readingsOf: ReadingsOf; readonly prefix: string },
): PlacedReadings {
  const readings: unknown[] = [];
  const places: { readonly message: StreamMessage; readonly nth: number }[] = [];
  for (const message of messages)
    readingsOf(message).forEach((reading, nth) => {
      readings.push(reading);
      places.push({ message, nth });
    });
  return {
    readings,
    placeOf(index) {
      const { message, nth } = places[index] ?? {};
      return message?.place === undefined ? undefined : `${prefix} ${message.place} ${nth}`;
    },
    rowOf(index) {
      const { file, row } = places[index]?.message ?? {};
      return file === undefined || row === undefined ? undefined : `${file}, row ${row}`;
    },
  };
}

/** A list with more items than readings fit into its bytes is none of readings: it is set aside as one, and not item by item. */
function itemsIn(found: unknown, { body }: StreamMessage): readonly unknown[] {
  const items = itemsOf(found);
  if (!(body instanceof Uint8Array) || items.length <= FEW_ITEMS + body.length / BYTES_PER_ITEM) return items;
  return [textOf(body)];
}

/** Bytes are JSON or text; everything else was read already. */
function bodyOf(body: unknown): unknown {
  if (!(body instanceof Uint8Array)) return body;
  try {
    return parseStrictJson(body, FEW_CONTAINERS + Math.ceil(body.length / BYTES_PER_CONTAINER));
  } catch {
    return textOf(body);
  }
}

const textOf = (body: Uint8Array): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");

/** As it is where the values have a place of their own; else every field that is no key is a value. */
function plainReading(item: Item): Item {
  if (isItem(memberOf(item, "values"))) return item;
  const reading: Record<string, unknown> = {};
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(item)) {
    if ((KEYS as readonly string[]).includes(name)) {
      if (value !== null) reading[name] = value;
    } else values[name] = value;
  }
  return { ...reading, values };
}

function mappedReading(item: Item, message: StreamMessage, map: ReadingMap): Item {
  const reading: Record<string, unknown> = {};
  const used = new Set<string>();
  for (const key of KEYS) {
    const place = map[key] ?? defaultPlace(key, map);
    if (place === undefined) continue;
    used.add(place);
    const value = placeOf(place, item, message);
    if (value === undefined || value === null || value === "") continue;
    // What stands outside the message is text: a number is meant where only numbers can be.
    const isNumber = (key === "epoch" || key === "seq") && typeof value === "string" && /^[=$]/.test(place);
    reading[key] = isNumber ? numberOrText(value) : value;
  }
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const own = memberOf(item, "values");
  if (map.values !== undefined) {
    for (const [column, place] of Object.entries(map.values)) {
      const value = placeOf(place, item, message);
      if (value !== undefined) values[column] = value;
    }
  } else if (isItem(own)) Object.assign(values, own);
  else for (const [name, value] of Object.entries(item)) if (!used.has(name)) values[name] = value;
  return { ...reading, values };
}

/** What the map does not say stands under its own name; of asset and device only one is looked for. */
function defaultPlace(key: Key, map: ReadingMap): string | undefined {
  if (key === "asset" && map.device !== undefined) return undefined;
  if (key === "device" && map.asset !== undefined) return undefined;
  return key;
}

/** The value at a place; undefined: there is none. */
function placeOf(place: string, item: unknown, message: StreamMessage): unknown {
  if (place.startsWith("=")) return place.slice(1);
  if (place.startsWith("$")) return ofMessage(place, message);
  return valueAt(place, item);
}

function ofMessage(place: string, { topic, key, sentAt, file }: StreamMessage): unknown {
  if (place === "$key") return key;
  if (place === "$file") return file;
  if (place === "$time") return sentAt === undefined ? undefined : new Date(sentAt).toISOString();
  return topic?.split("/")[Number(place.slice("$topic.".length)) - 1];
}

/** Of empty cells only those of declared columns are kept: there the value is missing. */
function withCells(
  reading: Item,
  readCell: (name: string, text: string) => unknown,
  declared: ReadonlyMap<string, Column>,
): Item {
  const read = (fields: Item, keepsEmpty: (name: string) => boolean): Item =>
    Object.fromEntries(
      Object.entries(fields).flatMap(([name, value]) => {
        const cell = typeof value === "string" ? readCell(name, value) : value;
        return cell === null && !keepsEmpty(name) ? [] : [[name, cell]];
      }),
    );
  const values = memberOf(reading, "values");
  return {
    ...read(reading, (name) => name === "values"),
    values: isItem(values) ? read(values, (name) => declared.has(name)) : values,
  };
}

/** An empty cell is missing; one that is not what its column holds stays text, and is set aside for it. */
function cellOf(column: Column | undefined, text: string): unknown {
  const cell = text.trim();
  if (cell === "") return null;
  switch (column?.type) {
    case "float":
    case "integer":
      return numberOrText(cell);
    case "boolean":
      return { true: true, false: false, "1": true, "0": false }[cell.toLowerCase()] ?? cell;
    case "text":
    case "timestamp":
    case undefined:
      return cell;
  }
}

function numberOrText(text: string): number | string | null {
  const cell = text.trim();
  if (cell === "") return null;
  return NUMBER.test(cell) ? Number(cell) : cell;
}
