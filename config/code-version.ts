import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeVersion } from "../schemas/code-version.ts";
import { packageRoot } from "./package-root.ts";

/** Rooms that data pass through on their way into a model. */
const ROOMS = ["activities", "features", "numerics", "schemas", "sources", "stores"] as const;

let known: CodeVersion | undefined;

/**
 * The code that runs here, hashed from its own files: a patched installation does not pass for the release whose number
 * it has. Read once per process; some hundred small files.
 */
export function codeVersion(): CodeVersion {
  known ??= {
    release: (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string })
      .version,
    sources: hashRooms(fileURLToPath(new URL("..", import.meta.url)), extname(import.meta.url)),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
  return known;
}

/** @param extension  `.js` as built, `.ts` as source; what stands beside it (types, maps, tests) does not run */
function hashRooms(root: string, extension: string): string {
  const hash = createHash("sha256");
  for (const room of ROOMS) {
    const names = readdirSync(join(root, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && runs(entry.name, extension))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const name of names) {
      hash.update(`${relative(root, name).split(sep).join("/")}\0`);
      hash.update(createHash("sha256").update(readFileSync(name)).digest());
    }
  }
  return hash.digest("hex");
}

function runs(name: string, extension: string): boolean {
  return name.endsWith(extension) && !name.endsWith(`.test${extension}`) && !name.endsWith(".d.ts");
}
