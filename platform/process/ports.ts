import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";
import { acquireLock } from "./lock.ts";
import type { Lock } from "./lock.ts";

/** Whether this process may listen on the port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) === port;
}

/** Ports of one platform, claimed against other platforms of this user until `release`. */
export interface ChosenPorts<N extends string> {
  readonly ports: Readonly<Record<N, number>>;
  release(): void;
}

/**
 * Chooses a port for each name: the remembered one when it is free, then the preferred one, else any.
 *
 * A port that is free now is taken only seconds later, when its child listens. Two platforms that start together would
 * choose the same, and one would take the other's server for its own: so a chosen port is claimed by a lock file that
 * every platform of this user looks at, and that a dead holder loses.
 *
 * "Any" is one that the system gives to nobody by itself: every connection that any program opens, and every server that
 * asks for any port, gets one of the ephemeral range, and on a busy machine soon the one that was free a moment ago. A
 * program that wants this very port may still take it meanwhile: the child then fails to start and says so, and the
 * supervisor starts again with `avoid`.
 *
 * @param names       in the order in which they choose
 * @param remembered  of the last start
 * @param preferred   well-known defaults, tried once
 * @param avoid       that another program took before
 * @param claims      folder of the lock files
 */
export async function choosePorts<N extends string>(
  names: readonly N[],
  options: {
    readonly remembered: Readonly<Partial<Record<N, number>>>;
    readonly preferred: Readonly<Partial<Record<N, number>>>;
    readonly avoid?: ReadonlySet<number>;
    readonly claims?: string;
  },
): Promise<ChosenPorts<N>> {
  const { remembered, preferred, avoid, claims = claimsFolder() } = options;
  mkdirSync(claims, { recursive: true, mode: 0o700 });
  const chosen = new Map<N, number>();
  const locks: Lock[] = [];
  const take = async (name: N, port: number | undefined): Promise<void> => {
    if (port === undefined || chosen.has(name) || avoid?.has(port) === true) return;
    const lock = claim(join(claims, String(port)));
    if (lock === undefined) return;
    if (await isPortFree(port)) {
      chosen.set(name, port);
      locks.push(lock);
    } else lock.release();
  };
  for (const name of names) {
    await take(name, remembered[name]);
    await take(name, preferred[name]);
    for (let tries = 0; !chosen.has(name); tries++)
      await take(name, tries < MOST_TRIES ? quietPort() : await listenOnce(0));
  }
  return {
    ports: Object.fromEntries(chosen) as Record<N, number>,
    release: () => locks.forEach((lock) => lock.release()),
  };
}

/** Ports from here on are few programs' own; below, many servers have theirs. */
const FIRST_QUIET_PORT = 20_000;
/** Where the ephemeral range begins if the system does not say: Linux's default, and below macOS's. */
const USUAL_EPHEMERAL_START = 32_768;
/** After that many taken ones any port will do. */
const MOST_TRIES = 100;

/** Some port below the ephemeral range; undefined where there is no room below it. */
function quietPort(): number | undefined {
  const end = Math.min(ephemeralStart(), 65_536);
  return end - FIRST_QUIET_PORT < MOST_TRIES ? undefined : randomInt(FIRST_QUIET_PORT, end);
}

function ephemeralStart(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
  } catch {
    return USUAL_EPHEMERAL_START;
  }
}

/** One folder per user, outside every state folder: claims are between platforms. */
function claimsFolder(): string {
  return join(tmpdir(), `aura-ports-${userInfo().uid}`);
}

/** undefined: a running platform has it, this process's own included. */
function claim(file: string): Lock | undefined {
  try {
    return acquireLock(file);
  } catch (error) {
    if (error instanceof PlatformError && error.code === "platform_locked") return undefined;
    throw error;
  }
}

/** Listens on a port (0: any) and closes again. @returns the port, or undefined when it is taken */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = server.address();
      const actual = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(actual));
    });
  });
}
