import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { historyFromJSON, historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import type { History } from "@temporalio/common/lib/proto-utils.js";
import { packageRoot } from "../../config/package-root.ts";

/**
 * Recorded histories, `histories/<what happened>.json.gz`: Temporal's own JSON, without what tells of the machine it
 * was recorded on.
 */
const FOLDER = join(packageRoot(), "tests/replay/histories");
const SUFFIX = ".json.gz";

/** Fields that replay does not look at and that name hosts, processes and folders. */
const MACHINE_FIELDS: ReadonlySet<string> = new Set(["identity", "stackTrace", "binaryChecksum"]);

export function recordedNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .toSorted();
}

export function readHistory(name: string): History {
  return historyFromJSON(JSON.parse(gunzipSync(readFileSync(join(FOLDER, name + SUFFIX))).toString()));
}

export function writeHistory(name: string, history: History): void {
  const text = JSON.stringify(withoutMachine(JSON.parse(historyToJSON(history))), null, 1);
  // A fixed time in the header: the same history gives the same bytes.
  writeFileSync(join(FOLDER, name + SUFFIX), gzipSync(text, { level: 9 }));
}

/** Name of a worker's own queue: process and host. */
const WORKER_QUEUE = /^\d+@.*/;

function withoutMachine(value: unknown): unknown {
  if (typeof value === "string") return value.replace(WORKER_QUEUE, "worker");
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      MACHINE_FIELDS.has(name) && typeof member === "string" ? "" : withoutMachine(member),
    ]),
  );
}
