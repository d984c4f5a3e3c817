import pino from "pino";
import type { Logger } from "pino";
import { readSettings } from "../config/settings.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { createDatabase } from "../stores/postgres/database.ts";
import { startIngestor } from "./start-ingestor.ts";

/**
 * The ingestor process: takes readings over MQTT and brings them in from feeds. One is enough; of several each feed is run by one, and by
 * another when that one is gone.
 */
async function main(log: Logger): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  log.level = settings.logLevel;
  if (settings.databaseUrl === undefined)
    throw new PlatformError("config_invalid", "ingestor: DATABASE_URL is not set");
  const db = await createDatabase(settings.databaseUrl);
  const ingestor = await startIngestor(settings, { db, log });
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  await ingestor.close();
  await db.close();
}

const log = pino({ base: { part: "ingestor" } });
try {
  await main(log);
  process.exit(0);
} catch (error) {
  log.fatal({ err: error }, "ingestor ended");
  process.exit(1);
}
