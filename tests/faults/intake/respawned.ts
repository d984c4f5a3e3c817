import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const AGAIN_MS = 50;

/** A process that is started again whenever it ends, until it is stopped. */
export class Respawned {
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  #isStopping = false;
  #nStarts = 1;

  constructor(entry: string, env: Readonly<Record<string, string>>) {
    this.#start = () => spawn(process.execPath, [entry], { env, stdio: "ignore" });
    this.#child = this.#watched();
  }

  get nStarts(): number {
    return this.#nStarts;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  stop(): void {
    this.#isStopping = true;
    this.kill();
  }

  #watched(): ChildProcess {
    const child = this.#start();
    child.once("exit", () => {
      if (this.#isStopping) return;
      void sleep(AGAIN_MS).then(() => {
        if (this.#isStopping) return;
        this.#nStarts++;
        this.#child = this.#watched();
      });
    });
    return child;
  }
}
