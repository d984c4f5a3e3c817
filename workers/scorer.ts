import { join } from "node:path";
import { pino } from "pino";
import type { Logger } from "pino";
import { readSettings } from "../config/settings.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { createObjectStore } from "../stores/objects/object-store.ts";
import { createDatabase } from "../stores/postgres/database.ts";
import { startScorer } from "./start-scorer.ts";

/**
 * The scorer process: `node dist/workers/scorer.js`. Keeps the features of its share of the assets and scores them as
 * readings arrive. Any number may run; they share the assets among them. SIGTERM and SIGINT give the share back.
 */
async function main(log: Logger): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  log.level = settings.logLevel;
  if (settings.databaseUrl === undefined)
    throw new PlatformError("config_invalid", "start scorer [DATABASE_URL]: expected a URL, found nothing");
  const database = await createDatabase(settings.databaseUrl);
  const { objects } = settings;
  const scorer = await startScorer(settings, {
    database,
    logger: log,
    objects: createObjectStore({
      objects: objects.url,
      cacheDir: join(settings.stateDir, "cache"),
      cacheMaxBytes: settings.cacheMaxBytes,
      ...(objects.kind === "s3" ? { s3: objects } : {}),
    }),
  });
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  log.info("stopping");
  await scorer.close();
  await database.close();
}

const log = pino({ base: { part: "scorer" } });
try {
  await main(log);
  process.exit(0);
} catch (error) {
  log.fatal({ err: error }, "scorer ended");
  process.exit(1);
}
