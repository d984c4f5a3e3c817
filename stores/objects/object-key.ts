import { PlatformError } from "../../schemas/platform-error.ts";

const KEY_PATTERN = /^[a-z0-9][a-zA-Z0-9/._=-]{0,250}$/;
const PREFIX_PATTERN = /^(?:[a-z0-9][a-zA-Z0-9/._=-]{0,250})?$/;
const RAW_KEY = /^raw\/sha256\/([0-9a-f]{64})$/;

/**
 * Refuses a key outside the allow-list before any I/O. Segments that begin with a dot are refused too:
 * they would leave the root (`..`), alias another key (`.`), or collide with the adapters' own folders.
 *
 * @throws {PlatformError} invalid_name
 */
export function checkKey(key: string): void {
  if (KEY_PATTERN.test(key) && key.split("/").every((s) => s !== "" && !s.startsWith("."))) return;
  throw new PlatformError("invalid_name", `object key [${JSON.stringify(key)}]: expected a server-made key`);
}

/** As `checkKey` for the prefix of a listing, which may be empty or end anywhere in a key. */
export function checkPrefix(prefix: string): void {
  if (PREFIX_PATTERN.test(prefix) && !/(?:^|\/)[./]/.test(prefix)) return;
  throw new PlatformError("invalid_name", `object prefix [${JSON.stringify(prefix)}]: expected a key prefix`);
}

/**
 * Originals are found by their hash alone, so their key must tell the truth.
 *
 * @throws {PlatformError} integrity when a `raw/sha256/<hex>` key names another hash than the bytes have
 */
export function checkRawKey(key: string, sha256: string): void {
  const named = RAW_KEY.exec(key)?.[1];
  if (named !== undefined && named !== sha256) {
    throw new PlatformError("integrity", `put object [${key}]: the bytes have SHA-256 ${sha256}`);
  }
}
