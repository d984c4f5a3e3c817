import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../config/package-root.ts";
import { GENERATED_PAGES } from "./pages/generated-pages.ts";

/**
 * `npm run docs`: writes the pages that repeat a table of the code. They are kept in the repository, to be read and
 * reviewed there, so `npm run build` leaves them alone; a test fails while they differ.
 */
for (const [path, render] of Object.entries(GENERATED_PAGES)) {
  writeFileSync(join(packageRoot(), path), render());
  process.stdout.write(`${path}\n`);
}
