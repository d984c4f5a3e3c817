import { PlatformError } from "../platform-error.ts";
import { FORBIDDEN_KEY, JsonReader, MAX_JSON_DEPTH } from "./json-reader.ts";

/**
 * JSON as RFC 8259 says it and as nothing else: what `JSON.parse` lets through and what then surprises
 * (duplicate keys, 1e400, lone surrogates, a million brackets, `__proto__`) is refused before any schema looks
 * at the value. Keys keep the order of the text; they may be called `constructor`, as columns of data may, so who looks
 * one up asks `Object.hasOwn`. -0 and subnormal numbers come through
 * exactly.
 *
 * Most bodies are plain: no escape, no exponent, no nesting to speak of. One scan of the bytes tells; then
 * `JSON.parse` reads them, three times as fast as anything written here, and a body without duplicate keys
 * has as many keys as colons. Everything else, and everything that is to be refused, goes to `JsonReader`, which
 * is the measure: a property test holds the two equal. Cost: O(bytes) either way; depth is bounded, so recursion is.
 */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** A number with more digits in a row may overflow without any exponent. */
const MAX_PLAIN_DIGITS = 300;

/**
 * Reads one JSON text.
 *
 * @param maxContainers  most objects and lists: they cost a hundred times the bytes that `{}` has, and seconds where there are
 *   millions of them
 * @throws {PlatformError} invalid_json naming the byte or character and what was expected
 */
export function parseStrictJson(bytes: Uint8Array, maxContainers = Infinity): unknown {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch (cause) {
    throw new PlatformError("invalid_json", "read JSON: the bytes are not UTF-8", { cause });
  }
  const nColons = countPlainColons(bytes, maxContainers);
  if (nColons >= 0) {
    const value = parseOrUndefined(text);
    if (value !== undefined && countKeys(value) === nColons) return value;
  }
  return new JsonReader(text, maxContainers).document();
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Colons outside strings, or −1 when the text has anything that `JSON.parse` treats too kindly, or may. */
function countPlainColons(bytes: Uint8Array, maxContainers: number): number {
  let nColons = 0;
  let nContainers = 0;
  let depth = 0;
  let nDigits = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte >= 0x30 && byte <= 0x39) {
      if (++nDigits > MAX_PLAIN_DIGITS) return -1;
      continue;
    }
    const isAfterDigit = nDigits > 0;
    nDigits = 0;
    switch (byte) {
      case 0x22: {
        i = endOfPlainString(bytes, i + 1);
        if (i < 0) return -1;
        break;
      }
      case 0x3a:
        nColons++;
        break;
      case 0x5b:
      case 0x7b:
        if (++depth > MAX_JSON_DEPTH || ++nContainers > maxContainers) return -1;
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
      case 0x45:
      case 0x65:
        if (isAfterDigit) return -1;
        break;
    }
  }
  return nColons;
}

/** Index of the closing quote; −1 for a string with an escape, or without an end. */
function endOfPlainString(bytes: Uint8Array, start: number): number {
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) return -1;
  }
  return -1;
}

/** Keys of all objects in `value`; −1 when one of them is reserved. */
function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return sumOfKeys(value);
  const keys = Object.keys(value);
  if (keys.includes(FORBIDDEN_KEY)) return -1;
  const inner = sumOfKeys(Object.values(value));
  return inner < 0 ? -1 : keys.length + inner;
}

function sumOfKeys(members: readonly unknown[]): number {
  let nKeys = 0;
  for (const member of members) {
    if (typeof member !== "object" || member === null) continue;
    const inner = countKeys(member);
    if (inner < 0) return -1;
    nKeys += inner;
  }
  return nKeys;
}
