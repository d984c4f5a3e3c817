import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { until } from "./until.ts";

const BINARY = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"].find(
  existsSync,
);

/** Why there is no Mosquitto here; undefined: there is. */
export const noMosquitto =
  BINARY === undefined ? "there is no mosquitto on this machine (apt-get install mosquitto)" : undefined;

export interface Mosquitto {
  readonly port: number;
  /** Ends it as SIGTERM does: what it keeps is written. */
  restart(): Promise<void>;
  /** As kill -9 does: what is in memory is gone. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** A broker of its own in a folder, which keeps sessions and messages over a restart. */
export async function startMosquitto(folder: string): Promise<Mosquitto> {
  const port = await freePort();
  const config = join(folder, "mosquitto.conf");
  await writeFile(
    config,
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${folder}/\nmax_queued_messages 0\nuser root\n`,
  );
  const start = async () => {
    const child = spawn(BINARY ?? "mosquitto", ["-c", config], { stdio: "ignore" });
    await until(() => isListening(port), Boolean);
    return child;
  };
  let child = await start();
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return {
    port,
    async restart() {
      await stop();
      child = await start();
    },
    async crash() {
      await stop("SIGKILL");
      child = await start();
    },
    stop: () => stop(),
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
