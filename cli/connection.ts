import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../config/settings.ts";
import type { RunningPlatform } from "../platform/supervisor.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import { ApiClient } from "./client.ts";
import type { ApiClientOptions } from "./client.ts";
import type { CliContext } from "./context.ts";

/** The API a command talks to, and where people look. */
export interface Connection {
  readonly client: ApiClient;
  readonly apiUrl: string;
  readonly temporalUiUrl?: string;
  /** Whether this command started the platform, and stops it when it ends. */
  readonly isOwn: boolean;
  /** Time until it answered; 0 when it was running. */
  readonly platformStartMs: number;
  /** Aborts at Ctrl-C, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
}

export interface ConnectOptions {
  /** `if-made`: only where there is local state already, so that a question about nothing makes nothing. */
  readonly start: "always" | "if-made";
}

/** Another command's platform: longest wait until it is ready, or gone. */
const SETTLE_MS = 10 * 60_000;
const POLL_MS = 100;

/**
 * Works against the API of AURA_API_URL, else of the platform that runs in the state folder, else of one
 * that is started here and stopped again, whatever happens in between.
 *
 * @throws {PlatformError} api_unavailable; cancelled: interrupted; whatever `work` or the start throws
 */
export async function withApi<T>(
  context: CliContext,
  { start }: ConnectOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const settings = context.settings();
  const { signal, dispose } = interruption();
  let platform: RunningPlatform | undefined;
  const locate = async (): Promise<FoundApi> => {
    const found = platform?.urls ?? (await findApi(settings, signal));
    if (found !== undefined) return found;
    try {
      platform = await startHere(context, start, signal);
      return platform.urls;
    } catch (error) {
      // Two commands at once: the other one was first, and its platform serves both.
      const other = isLocked(error) ? await findApi(settings, signal) : undefined;
      if (other === undefined) throw error;
      return other;
    }
  };
  try {
    const started = performance.now();
    const { api, temporalUi } = await locate();
    const isOwn = platform !== undefined;
    // Another command's platform ends with that command; what it left goes on with one of our own.
    const relocate = async () => (await locate()).api;
    return await work({
      client: clientOf(settings, api, { signal, relocate }),
      apiUrl: api,
      ...(temporalUi === undefined ? {} : { temporalUiUrl: temporalUi }),
      isOwn,
      platformStartMs: isOwn ? Math.round(performance.now() - started) : 0,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new PlatformError("cancelled", "interrupted", { cause: error });
    throw error;
  } finally {
    if (platform !== undefined) context.output.progress("stopping what was started");
    await platform?.stop();
    context.output.endProgress();
    dispose();
  }
}

function isLocked(error: unknown): boolean {
  return isPlatformError(error) && error.code === "platform_locked";
}

interface FoundApi {
  readonly api: string;
  readonly temporalUi?: string | undefined;
}

async function findApi(settings: Settings, signal: AbortSignal): Promise<FoundApi | undefined> {
  if (settings.apiUrl !== undefined) return { api: settings.apiUrl.replace(/\/+$/, "") };
  const { findRunningPlatform } = await import("../platform/running.ts");
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const found = findRunningPlatform(settings);
    if (found === undefined) return undefined;
    const { api, temporalUi } = found.urls;
    if (found.state === "ready" && api !== undefined) return { api, temporalUi };
    if (performance.now() > deadline) {
      throw new PlatformError(
        "platform_locked",
        `connect [process ${found.supervisor.pid}]: it is ${found.state} and does not become ready`,
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function startHere(
  context: CliContext,
  start: ConnectOptions["start"],
  signal: AbortSignal,
): Promise<RunningPlatform> {
  const settings = context.settings();
  if (start === "if-made" && !existsSync(settings.stateDir)) {
    throw new PlatformError(
      "api_unavailable",
      `connect [${settings.stateDir}]: nothing was started here yet`,
    );
  }
  const { startPlatform } = await import("../platform/supervisor.ts");
  const { output } = context;
  output.note(`starting the platform, state folder ${settings.stateDir}${isNew(settings) ? " (new)" : ""}`);
  const platform = await startPlatform(settings, {
    signal,
    onEvent: ({ part, kind, message }) => {
      if (kind === "warning") output.warn(message);
      else if (output.hasLiveLine || kind === "progress") output.progress(`${part}: ${message}`);
    },
  });
  output.endProgress();
  return platform;
}

function isNew({ stateDir }: Settings): boolean {
  return !existsSync(stateDir);
}

function clientOf(
  settings: Settings,
  baseUrl: string,
  options: Pick<ApiClientOptions, "signal" | "relocate">,
): ApiClient {
  // Keys are for a server with keys; the bootstrap key opens the platform this machine started with it.
  const apiKey = settings.apiKey ?? settings.bootstrapAdminKey;
  return new ApiClient({ baseUrl, ...options, ...(apiKey === undefined ? {} : { apiKey }) });
}

/** The first signal ends the work in order; the second one the process, whose exit takes its children along. */
function interruption(): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const asked = new AbortController();
  const onSignal = () => {
    if (asked.signal.aborted) process.exit(130);
    asked.abort();
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, onSignal);
  return { signal: asked.signal, dispose: () => names.forEach((name) => process.off(name, onSignal)) };
}
