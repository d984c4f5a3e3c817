import { existsSync } from "node:fs";
import { join } from "node:path";

/** Python of the peers' environment; undefined when `npm run bench:peers` has not made it. */
export function peerPython(root: string): string | undefined {
  const python = join(root, "benchmarks", "peers", ".venv", "bin", "python");
  return existsSync(python) ? python : undefined;
}
