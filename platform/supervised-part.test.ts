import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PartPlan } from "./parts/part.ts";
import { isRunning } from "./process/identity.ts";
import { SupervisedPart } from "./supervised-part.ts";
import type { PartStatus } from "./supervised-part.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-part-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A part that runs a script and answers once the script has written the file `up`. */
function partOf(script: string, overrides: Partial<PartPlan> = {}) {
  const up = join(folder, "up");
  const seen: PartStatus[] = [];
  const waiters = new Set<() => void>();
  const part: SupervisedPart = new SupervisedPart({
    logs: folder,
    onChange: () => {
      seen.push(part.status);
      for (const wake of waiters) wake();
    },
    plan: {
      name: "probe",
      stopSignal: "SIGTERM",
      stopGraceMs: 200,
      prepare: async () => ({ file: process.execPath, args: ["-e", script], cwd: folder, env: {} }),
      beforeSpawn: async () => rmSync(up, { force: true }),
      probe: async () => {
        if (!existsSync(up)) throw new Error("not up");
      },
      ...overrides,
    },
  });
  const until = (isReached: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!isReached()) return;
        waiters.delete(check);
        resolve();
      };
      waiters.add(check);
      check();
    });
  return { part, seen, until };
}

const UP = "require('fs').writeFileSync('up', ''); setInterval(() => {}, 1000);";

describe("SupervisedPart", () => {
  it("is ready when it answers, and leaves nothing behind when stopped", async () => {
    const { part, seen } = partOf(UP);
    await part.start();
    const { process: child, state } = part.status;
    expect(state).toBe("ready");
    await part.stop();
    expect(child && isRunning(child)).toBe(false);
    expect(part.status).toEqual({ name: "probe", state: "stopped", restarts: 0 });
    expect(seen.map((status) => status.state)).toEqual([
      "starting",
      "starting",
      "ready",
      "stopping",
      "stopped",
    ]);
  });

  it("starts a killed process again", async () => {
    const { part, until } = partOf(UP);
    await part.start();
    const first = part.status.process;
    if (first !== undefined) process.kill(first.pid, "SIGKILL");
    await until(() => part.status.restarts === 1 && part.status.state === "ready");
    expect(part.status.process?.pid).not.toBe(first?.pid);
    await part.stop();
  });

  it("kills a process that ignores the stop signal", async () => {
    const { part } = partOf(`process.on('SIGTERM', () => {}); ${UP}`);
    await part.start();
    const child = part.status.process;
    await part.stop();
    expect(child && isRunning(child)).toBe(false);
  });

  it("gives up after three starts without an answer, with the end of the log", async () => {
    const { part } = partOf(
      "require('fs').appendFileSync('n', 'x'); console.error('wrong setting'); process.exit(3)",
    );
    await expect(part.start()).rejects.toMatchObject({
      code: "platform_part_missing",
      message: expect.stringMatching(/ended with code 3.*wrong setting/s),
    });
    expect(readFileSync(join(folder, "n"), "utf8")).toBe("xxx");
    await part.stop();
  });

  it("tells that a program cannot be run", async () => {
    const { part } = partOf("", {
      prepare: async () => ({ file: join(folder, "missing"), args: [], cwd: folder, env: {} }),
    });
    await expect(part.start()).rejects.toThrow(/cannot be run/);
    await part.stop();
  });

  it("is not ready before what others need of it exists", async () => {
    const calls: string[] = [];
    const { part } = partOf(UP, {
      afterReady: async () => {
        calls.push("asked");
        if (calls.length < 3) throw new Error("not yet");
      },
    });
    await part.start();
    expect(calls).toHaveLength(3);
    await part.stop();
  });

  it("stops while it is still starting", async () => {
    writeFileSync(join(folder, "x"), "");
    const { part, until } = partOf("setInterval(() => {}, 1000)");
    const started = part.start();
    await until(() => part.status.process !== undefined);
    await part.stop();
    await started;
    expect(part.status.state).toBe("stopped");
  });
});
