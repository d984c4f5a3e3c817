import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { readSettings } from "../../config/settings.ts";
import { findRunningPlatform, stopRunningPlatform } from "../../platform/running.ts";
import { startPlatform } from "../../platform/supervisor.ts";
import type { RunningPlatform } from "../../platform/supervisor.ts";

/**
 * Real PostgreSQL and Temporal for tests.
 *
 * Ordinary tests share the two of the run, which start when the first test file asks for them:
 *
 *     const database = await createTestDatabase("registry");    // its own, empty
 *     const { temporalAddress, namespace } = await testServices();  // its own task queue and ids
 *
 * A suite that must be told as skipped where they cannot be had uses `describeWithServices`. Tests of
 * the platform itself start their own with `startTestPlatform`.
 */

/** What global-setup.ts serves. */
export interface TestServices {
  /** Administrator's URL of the run's PostgreSQL; use `createTestDatabase`. */
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly namespace: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Where test files ask for the services of this run. */
    readonly testServicesUrl: string;
  }
}

/** Reply of the service behind `testServicesUrl`. */
export type TestServicesReply = { readonly services: TestServices } | { readonly missing: string };

let asked: Promise<TestServicesReply> | undefined;

// vitest is imported where it is used: the run's setup, which it refuses to serve, imports this file too.
function askServices(): Promise<TestServicesReply> {
  asked ??= import("vitest")
    .then(({ inject }) => fetch(inject("testServicesUrl")))
    .then((response) => response.json() as Promise<TestServicesReply>);
  return asked;
}

/**
 * The PostgreSQL and Temporal of this run.
 *
 * @throws {Error} they cannot be had on this machine
 */
export async function testServices(): Promise<TestServices> {
  const reply = await askServices();
  if ("missing" in reply) throw new Error(`no PostgreSQL and Temporal for tests: ${reply.missing}`);
  return reply.services;
}

/** A suite on the services; where they cannot be had it is skipped and its title says why. Await it. */
export async function describeWithServices(
  title: string,
  define: (services: TestServices) => void,
): Promise<void> {
  const { describe, it } = await import("vitest");
  const reply = await askServices();
  if ("missing" in reply) describe.skip(title, () => it(`skipped: ${reply.missing}`));
  else describe(title, () => define(reply.services));
}

export interface TestDatabase {
  readonly url: string;
  /** Ends its sessions and removes it; the run's end does so too. */
  readonly drop: () => Promise<void>;
}

let nDatabases = 0;

/**
 * A new, empty database of the run's PostgreSQL.
 *
 * @param name  lower-case letters, digits and underscores; made unique here
 */
export async function createTestDatabase(name: string): Promise<TestDatabase> {
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(name)) throw new RangeError(`test database: name [${name}]`);
  const { databaseUrl } = await testServices();
  nDatabases += 1;
  const database = `t_${name}_${process.pid}_${nDatabases}`;
  await execute(databaseUrl, `CREATE DATABASE ${database}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${database}`;
  return {
    url: url.href,
    drop: () => execute(databaseUrl, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface TestPlatformOptions {
  /** `postgres`, `temporal`, `worker`, `api`. */
  readonly parts: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface TestPlatform {
  readonly platform: RunningPlatform;
  readonly stateDir: string;
  /** Stops it and removes its state. */
  readonly dispose: () => Promise<void>;
}

/** A platform of its own in a temporary folder, on free ports. */
export async function startTestPlatform(options: TestPlatformOptions): Promise<TestPlatform> {
  const folder = makeStateFolder();
  const stateDir = join(folder, ".aura");
  const settings = readSettings(
    testEnvironment({ ...options.environment, AURA_STATE_DIR: stateDir }),
    folder,
  );
  const platform = await startPlatform(settings, { parts: options.parts, anyPorts: true }).catch(
    (error: unknown) => {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    },
  );
  return {
    platform,
    stateDir,
    async dispose() {
      await platform.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const FOLDER_PREFIX = "aura-test-";
/** No test run takes this long; a younger folder may belong to one that is just starting. */
const STALE_MS = 15 * 60_000;

/** Ends and removes what killed test runs left: their servers would run for ever. */
export async function removeStalePlatforms(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    const stateDir = join(folder, ".aura");
    if (!name.startsWith(FOLDER_PREFIX) || Date.now() - statSync(folder).mtimeMs < STALE_MS) continue;
    if (findRunningPlatform({ stateDir }) !== undefined) continue;
    await stopRunningPlatform({ stateDir });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A temporary folder that the database's own user can pass through (mkdtemp makes it private). */
export function makeStateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  chmodSync(folder, 0o711);
  return folder;
}

/** A file that is not there: a present but empty one is refused by Temporal's reader. */
const NO_PROFILE = "/nonexistent/temporal.toml";

/** The machine's own variables without those of AURA, PostgreSQL and Temporal: tests must not use real ones. */
export function testEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(AURA_(?!TEMPORAL_CLI)|TEMPORAL_|DATABASE_URL|AWS_)/.test(entry[0]),
  );
  return { ...Object.fromEntries(own), TEMPORAL_CONFIG_FILE: NO_PROFILE, ...extra };
}
