import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { packageRoot } from "../config/package-root.ts";
import { readSettings } from "../config/settings.ts";
import type { Settings } from "../config/settings.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { createObjectStore } from "../stores/objects/object-store.ts";
import { createDatabase } from "../stores/postgres/database.ts";
import { startApi } from "./start-api.ts";
import type { RunningApi } from "./start-api.ts";
import { createTemporalGateway } from "./temporal-gateway.ts";

/**
 * The API process: `node dist/api/main.js`. Logs JSON lines to standard output; one of them says `listening`
 * with the URL, one `ready` when everything it needs is there. SIGTERM and SIGINT end it in order.
 */

const READY_LOOK_MS = 50;

async function main(): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const logger = pino({ level: settings.logLevel, base: { process: "api" } });
  const api = await startApi(settings, {
    connectDatabase: () => connectDatabase(settings),
    objects: createObjectStore({
      objects: settings.objects.url,
      cacheDir: join(settings.stateDir, "cache"),
      cacheMaxBytes: settings.cacheMaxBytes,
      ...(settings.objects.kind === "s3" ? { s3: s3Of(settings.objects) } : {}),
    }),
    workflows: createTemporalGateway(settings),
    logger,
    release: await releaseOf(),
  });
  logger.info({ url: api.url, pid: process.pid }, "listening");
  const isStopping = stopOnSignal(api, logger);
  while (!isStopping()) {
    const { ok } = await fetch(`${api.url}/readyz`).catch(() => ({ ok: false }));
    if (ok) return logger.info("ready");
    await new Promise((resolve) => setTimeout(resolve, READY_LOOK_MS));
  }
}

function stopOnSignal(api: RunningApi, logger: pino.Logger): () => boolean {
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    logger.info({ signal }, "stopping");
    api.close().then(
      () => process.exit(0),
      (err: unknown) => {
        logger.error({ err }, "stopped with an error");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return () => isStopping;
}

function connectDatabase({ databaseUrl }: Settings): ReturnType<typeof createDatabase> {
  if (databaseUrl !== undefined) return createDatabase(databaseUrl);
  throw new PlatformError("config_invalid", "start API [DATABASE_URL]: expected a URL, found nothing");
}

function s3Of({ endpoint, region, forcePathStyle }: Extract<Settings["objects"], { kind: "s3" }>) {
  return { region, forcePathStyle, ...(endpoint === undefined ? {} : { endpoint }) };
}

async function releaseOf(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageRoot(), "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}

main().catch((error: unknown) => {
  const message = error instanceof PlatformError ? `${error.code}: ${error.message}` : String(error);
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
