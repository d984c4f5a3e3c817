/**
 * The ingestor with the promise broken: PUBACK, and the moving of a file that was read, come before the commit. Here the harness
 * must find that readings are lost.
 */
import { pino } from "pino";
import { readSettings } from "../../../config/settings.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { startIngestor } from "../../../workers/start-ingestor.ts";
import { createEarlyAckSink } from "./early-ack-sink.ts";

const settings = readSettings(process.env, process.cwd());
await startIngestor(settings, {
  db: await createDatabase(settings.databaseUrl ?? ""),
  log: pino({ level: "silent" }),
  createIntake: createEarlyAckSink,
});
