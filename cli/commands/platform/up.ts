import { spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { FoundPlatform } from "../../../platform/running.ts";
import type { PlatformEvent } from "../../../platform/supervisor.ts";
import { isErrorCode, PlatformError } from "../../../schemas/platform-error.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import type { Output } from "../../output.ts";

interface UpOptions {
  readonly detach?: boolean;
  readonly json?: boolean;
  readonly parts?: readonly string[];
}

/** Ids are for machines; people want the addresses. */
interface ShownUrls {
  readonly api?: string | undefined;
  readonly mqtt?: string | undefined;
  readonly temporalUi?: string | undefined;
  readonly temporalAddress?: string | undefined;
}

const POLL_MS = 50;

/** `aura up`: starts the platform and keeps it running, here or in the background. */
export function registerUpCommand(program: Command): void {
  program
    .command("up")
    .description(
      "start the platform: PostgreSQL, Temporal, worker and API, as far as they are not configured",
    )
    .option("-d, --detach", "run in the background")
    .option("--parts <names>", "start only these, e.g. postgres,temporal", (text) => text.split(","))
    .option("--json", "print the addresses as JSON")
    .addHelpText("after", "\nExample:\n  $ aura up --detach")
    .action(async (options: UpOptions, command: Command) => {
      const context = contextOf(command);
      const found = await awaitOtherStart(context);
      if (found !== undefined) {
        context.output.note(`already running (process ${found.supervisor.pid})`);
        showUrls(context.output, found.urls, options);
      } else if (options.detach === true) await runDetached(context, options);
      else await runHere(context, options);
    });
}

/** The platform that runs here already; one that is just starting or stopping is waited for. */
async function awaitOtherStart(context: CliContext): Promise<FoundPlatform | undefined> {
  const { findRunningPlatform } = await import("../../../platform/running.ts");
  for (let isTold = false; ; isTold = true) {
    const found = findRunningPlatform(context.settings());
    if (found === undefined || found.state === "ready") return found;
    if (!isTold) context.output.note(`waiting for process ${found.supervisor.pid}, which is ${found.state}`);
    await sleep(POLL_MS);
  }
}

async function runHere(context: CliContext, options: UpOptions): Promise<void> {
  const { output } = context;
  const { startPlatform } = await import("../../../platform/supervisor.ts");
  // Heard from the beginning: Ctrl-C may come while a server is being built.
  const asked = stopSignal();
  const started = performance.now();
  const { stateDir } = context.settings();
  output.note(`state folder ${stateDir}${existsSync(stateDir) ? "" : " (new)"}`);
  const starting = startPlatform(context.settings(), {
    onEvent: (event) => showEvent(output, event),
    signal: asked,
    ...(options.parts === undefined ? {} : { parts: options.parts }),
  });
  try {
    const platform = await starting;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    output.note(`ready in ${seconds} s; ends with Ctrl-C or \`aura down\``);
    const hasApi = platform.parts().some(({ name }) => name === "api");
    showUrls(output, { ...platform.urls, api: hasApi ? platform.urls.api : undefined }, options);
    if (!asked.aborted)
      await new Promise((resolve) => asked.addEventListener("abort", resolve, { once: true }));
    output.note("stopping");
    await platform.stop();
  } catch (error) {
    if (!asked.aborted) throw error;
  }
  output.note("stopped");
}

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; the second one ends the process and its children at once. */
function stopSignal(): AbortSignal {
  const asked = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (asked.signal.aborted) process.exit(130);
      asked.abort();
    });
  }
  return asked.signal;
}

/** Runs `aura up` in a session of its own, with its output in logs/supervisor.log, until it is ready. */
async function runDetached(context: CliContext, options: UpOptions): Promise<void> {
  const { findRunningPlatform } = await import("../../../platform/running.ts");
  const { openLog, readLogFrom } = await import("../../../platform/process/log-file.ts");
  const { ensureStateDir } = await import("../../../platform/state-dir.ts");
  const settings = context.settings();
  const log = join(ensureStateDir(settings.stateDir).logs, "supervisor.log");
  const descriptor = openLog(log);
  const from = fstatSync(descriptor).size;
  const parts = options.parts === undefined ? [] : ["--parts", options.parts.join(",")];
  const main = fileURLToPath(new URL("../../main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "up", ...parts], {
    cwd: context.cwd,
    env: settings.environment,
    detached: true,
    stdio: ["ignore", descriptor, descriptor],
  });
  closeSync(descriptor);
  let hasEnded = false;
  child.once("exit", () => (hasEnded = true)).once("error", () => (hasEnded = true));
  for (let shown = ""; ; await sleep(POLL_MS)) {
    const found = findRunningPlatform(settings);
    if (found?.state === "ready") {
      child.unref();
      context.output.note(
        `running in the background (process ${found.supervisor.pid}, state folder ${settings.stateDir}); ends with \`aura down\``,
      );
      showUrls(context.output, found.urls, options);
      return;
    }
    const lines = existsSync(log) ? readLogFrom(log, from).trimEnd() : "";
    if (hasEnded && found === undefined) throw failureOf(lines, log);
    const last = lines.slice(lines.lastIndexOf("\n") + 1);
    if (last !== shown && last !== "") context.output.progress(last);
    shown = last;
  }
}

/** `error <code>: <message>`, as the command in the background wrote it. */
const ERROR_LINE = /^error (?<code>\w+): (?<message>.*)$/m;

/** Why the start in the background failed: its own error, else the last line that it wrote. */
function failureOf(lines: string, log: string): PlatformError {
  const { code = "", message = "" } = ERROR_LINE.exec(lines)?.groups ?? {};
  if (isErrorCode(code)) return new PlatformError(code, message);
  const last = lines.slice(lines.lastIndexOf("\n") + 1);
  return new PlatformError("platform_part_missing", `start in the background [${log}]: ${last}`);
}

function showEvent(output: Output, event: PlatformEvent): void {
  if (event.kind === "warning") output.warn(event.message);
  else output.progress(`${event.part}: ${event.message}`);
}

function showUrls(output: Output, urls: ShownUrls, options: UpOptions): void {
  const { api, mqtt, temporalUi, temporalAddress } = urls;
  if (options.json === true) {
    output.json({ api, mqtt, temporalUi, temporalAddress });
    return;
  }
  if (api !== undefined) output.line(`API          ${output.style("cyan", api)}`);
  if (mqtt !== undefined) output.line(`MQTT         ${mqtt}`);
  if (temporalUi !== undefined) output.line(`Temporal UI  ${output.style("cyan", temporalUi)}`);
  if (temporalAddress !== undefined) output.line(`Temporal     ${temporalAddress}`);
}
