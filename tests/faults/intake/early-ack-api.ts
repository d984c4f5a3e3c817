/**
 * The API with the promise broken: it acknowledges readings before they are committed. Here the harness must find
 * that readings are lost.
 */
import { pino } from "pino";
import { startApi } from "../../../api/start-api.ts";
import { readSettings } from "../../../config/settings.ts";
import { ReadingIntake } from "../../../intake/reading-intake.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { createTemporalGateway } from "../../../api/temporal-gateway.ts";

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
  createIntake(options) {
    const intake = new ReadingIntake(options);
    return {
      submitWhole: intake.submitWhole.bind(intake),
      sourceChanged: intake.sourceChanged.bind(intake),
      submit(source, adapter, readings) {
        intake.submit(source, adapter, readings).catch(() => undefined);
        const none = { duplicate: 0, conflict: 0, quarantined: 0, rejected: 0, problems: [] };
        return Promise.resolve({ source, received: readings.length, stored: readings.length, ...none });
      },
    };
  },
});
