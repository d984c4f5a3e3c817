import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../config/package-root.ts";
import type { Settings } from "../../config/settings.ts";
import type { PartContext, PartPlan } from "./part.ts";

/** Absolute path of a built entry, e.g. `api/main.js`. */
export function builtEntry(entry: string): string {
  return join(packageRoot(), "dist", entry);
}

export function isBuilt(entry: string): boolean {
  return existsSync(builtEntry(entry));
}

/**
 * Of the embedded server's clients: a profile for another server must not leak in. Their profile file is
 * one that is not there (an empty one is refused by Temporal's reader).
 */
const TEMPORAL_CLIENT_VARIABLE = /^TEMPORAL_(?!NAMESPACE$)/;

/**
 * Variables of a worker or API process: those of this process, with the addresses of the parts in use
 * put in. The child reads them with `readSettings` like any other process.
 */
export function childEnvironment(context: PartContext): Record<string, string> {
  const { settings, ports } = context;
  const inherited = Object.entries(settings.environment).filter(
    ([name]) => !isTemporalEmbedded(settings) || !TEMPORAL_CLIENT_VARIABLE.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    ...(isTemporalEmbedded(settings)
      ? { TEMPORAL_CONFIG_FILE: join(settings.stateDir, "no-profile.toml") }
      : {}),
    TEMPORAL_ADDRESS: context.temporalAddress,
    TEMPORAL_NAMESPACE: settings.temporal.namespace,
    DATABASE_URL: context.databaseUrl,
    AURA_OBJECTS: settings.objects.url,
    AURA_STATE_DIR: settings.stateDir,
    AURA_API_HOST: settings.api.host,
    AURA_API_PORT: String(ports.api),
  };
}

function isTemporalEmbedded(settings: Settings): boolean {
  return settings.temporal.address === undefined;
}

/** A process that listens over HTTP: ready once `/readyz` says so, and from then on alive while `/livez` answers. */
export function httpProbe(url: string): PartPlan["probe"] {
  let readyFor: Date | undefined;
  return async (signal, spawnedAt) => {
    const path = readyFor === spawnedAt ? "/livez" : "/readyz";
    await requireOk(`${url}${path}`, signal);
    readyFor = spawnedAt;
  };
}

/** @throws {Error} another answer than a good one, or none */
export async function requireOk(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`${new URL(url).pathname}: HTTP ${response.status}`);
}
