import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../config/settings.ts";
import type { RunningPlatform } from "../platform/supervisor.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { ApiClient } from "./client.ts";
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
  try {
    const found = await findApi(settings, signal);
    const started = performance.now();
    if (found === undefined) platform = await startHere(context, start, signal);
    const urls = found ?? platform?.urls;
    if (urls === undefined) throw new PlatformError("api_unavailable", "connect: there is no API");
    const temporalUi = urls.temporalUi;
    return await work({
      client: clientOf(settings, urls.api, signal),
      apiUrl: urls.api,
      ...(temporalUi === undefined ? {} : { temporalUiUrl: temporalUi }),
      isOwn: platform !== undefined,
      platformStartMs: platform === undefined ? 0 : Math.round(performance.now() - started),
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
  output.progress("starting the platform");
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

function clientOf(settings: Settings, baseUrl: string, signal: AbortSignal): ApiClient {
  // Keys are for a server with keys; the bootstrap key opens the platform this machine started with it.
  const apiKey = settings.apiKey ?? settings.bootstrapAdminKey;
  return new ApiClient({ baseUrl, signal, ...(apiKey === undefined ? {} : { apiKey }) });
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
