/**
 * The API with the promise broken: it acknowledges readings before they are committed. Here the harness must find
 * that readings are lost.
 */
import { pino } from "pino";
import { startApi } from "../../../api/start-api.ts";
import { createTemporalGateway } from "../../../api/temporal-gateway.ts";
import { readSettings } from "../../../config/settings.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { createEarlyAckSink } from "./early-ack-sink.ts";

const settings = readSettings(process.env, process.cwd());
await startApi(settings, {
  connectDatabase: () => createDatabase(settings.databaseUrl ?? ""),
  objects: createObjectStore({
    objects: settings.objects.url,
    cacheDir: settings.stateDir,
    cacheMaxBytes: 1e9,
  }),
  workflows: createTemporalGateway(settings),
  logger: pino({ level: "silent" }),
  release: "test",
  createIntake: createEarlyAckSink,
});
