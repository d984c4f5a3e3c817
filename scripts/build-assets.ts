import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

/**
 * What the compiler does not write into dist/: SQL migrations, the Temporal server's module, and the workflow bundle,
 * which saves every worker start a second.
 */
const dist = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(dist);

for (const folder of ["stores/postgres/migrations", "temporal-config/dev-server-module"]) {
  const from = join(root, folder);
  if (!existsSync(from)) continue;
  // A migration that got another number must not stand there under both.
  rmSync(join(dist, folder), { recursive: true, force: true });
  cpSync(from, join(dist, folder), { recursive: true });
}
const { code } = await bundleWorkflowCode({
  workflowsPath: join(dist, "workflows/index.js"),
  // Only problems are worth a line of `npm ci`.
  logger: {
    log: () => undefined,
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => process.stderr.write(`${message}\n`),
    error: (message) => process.stderr.write(`${message}\n`),
  },
});
mkdirSync(join(dist, "workflows"), { recursive: true });
writeFileSync(join(dist, "workflows/bundle.js"), code);
chmodSync(join(dist, "cli/main.js"), 0o755);
