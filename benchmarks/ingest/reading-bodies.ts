import { tableFromArrays, tableToIPC } from "apache-arrow";
import { createGenerator } from "../../numerics/random/generator.ts";
import { encodePost } from "../load/http-connection.ts";

/** An event of this suite: one reading of so many values. */
export const N_VALUES = 8;
export const SOURCE = "bench";
export const ASSETS = 500;

export const COLUMNS = Array.from({ length: N_VALUES }, (_, i) => ({ name: `s${i}`, unit: "°C" }));

/** Values as a sensor has them: a few decimals, so that their text is as long as in life. */
export function valuesOf(seed: number): () => number {
  const generator = createGenerator(seed);
  return () => Math.round((20 + 60 * generator.next()) * 1_000) / 1_000;
}

const FIRST_MS = Date.UTC(2026, 0, 1);

/** A reading of every `step`-th second; asset and time make it unlike any other of this run. */
function readingOf(index: number, value: () => number, prefix: string) {
  return {
    asset: `${prefix}${index % ASSETS}`,
    time: new Date(FIRST_MS + Math.floor(index / ASSETS) * 1_000).toISOString(),
    values: Object.fromEntries(COLUMNS.map(({ name }) => [name, value()])),
  };
}

/** Readings that are messages of their own. */
export function messagesOf({
  n,
  prefix,
  seed,
}: {
  readonly n: number;
  readonly prefix: string;
  readonly seed: number;
}): ReturnType<typeof readingOf>[] {
  const value = valuesOf(seed);
  return Array.from({ length: n }, (_, i) => readingOf(i, value, prefix));
}

/** Requests of `size` readings each as JSON; no two readings have one key. */
export function jsonRequests(
  port: number,
  {
    n,
    size,
    prefix,
    seed,
  }: { readonly n: number; readonly size: number; readonly prefix: string; readonly seed: number },
): Buffer[] {
  const value = valuesOf(seed);
  return Array.from({ length: n }, (_, request) => {
    const readings = Array.from({ length: size }, (__, i) => readingOf(request * size + i, value, prefix));
    return encodePost(`127.0.0.1:${port}`, "/readings", JSON.stringify({ source: SOURCE, readings }));
  });
}

/** Bodies of `size` readings each as Arrow streams. */
export function arrowBodies({
  n,
  size,
  prefix,
  seed,
}: {
  readonly n: number;
  readonly size: number;
  readonly prefix: string;
  readonly seed: number;
}): Buffer[] {
  const value = valuesOf(seed);
  return Array.from({ length: n }, (_, request) => {
    const rows = Array.from({ length: size }, (__, i) => readingOf(request * size + i, value, prefix));
    const columns = Object.fromEntries(
      COLUMNS.map(({ name }) => [name, Float64Array.from(rows, ({ values }) => values[name] as number)]),
    );
    const table = tableFromArrays({
      asset: rows.map(({ asset }) => asset),
      time: rows.map(({ time }) => new Date(time)),
      ...columns,
    });
    return Buffer.from(tableToIPC(table, "stream"));
  });
}
