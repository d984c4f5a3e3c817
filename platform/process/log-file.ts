import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** A log above this size is set aside as `<name>.1` when its part starts. */
const ROTATE_ABOVE_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

/**
 * Opens a log for appending; the child writes to the descriptor itself, so that its last words are kept
 * even when the supervisor is killed. The caller closes it after the spawn.
 */
export function openLog(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > ROTATE_ABOVE_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, "a", 0o600);
}

/** Bytes in a log, as far as the next start appends to it: one that is set aside then counts as empty. */
export function logSize(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return size > ROTATE_ABOVE_BYTES ? 0 : size;
}

/** The last lines of a log, at most 64 KiB of it; empty when there is no log. */
export function tailLog(file: string, nLines: number): readonly string[] {
  const lines = endOfLog(file, 0).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-nLines);
}

/** What was added to a log since a byte, at most the last 64 KiB of it; empty when there is no log. */
export function endOfLog(file: string, from: number): string {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return readLogFrom(file, Math.max(from, size - TAIL_BYTES));
}

/** What a log holds from a byte on, at most 64 KiB of it; empty when there is no log. */
export function readLogFrom(file: string, from: number): string {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return "";
  const descriptor = openSync(file, "r");
  try {
    const length = Math.max(0, Math.min(fstatSync(descriptor).size - from, TAIL_BYTES));
    const buffer = Buffer.alloc(length);
    readSync(descriptor, buffer, 0, length, from);
    return buffer.toString("utf8");
  } finally {
    closeSync(descriptor);
  }
}
