import { existsSync } from "node:fs";
import { join } from "node:path";

/** Python of an environment of the peers; undefined when `npm run bench:peers` has not made it. */
export function peerPython(root: string, environment = ".venv"): string | undefined {
  const python = join(root, "benchmarks", "peers", environment, "bin", "python");
  return existsSync(python) ? python : undefined;
}
