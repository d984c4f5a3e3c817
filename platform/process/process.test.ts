import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { endProcess, identifyProcess, isRunning, programOf } from "./identity.ts";
import { acquireLock, readLock } from "./lock.ts";
import { endOfLog, logSize, openLog, readLogFrom, tailLog } from "./log-file.ts";
import { choosePorts, isPortFree } from "./ports.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-process-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const idle = () =>
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore", detached: true });

describe("process identity", () => {
  it("tells a process from another one with the same id", () => {
    const own = identifyProcess(process.pid);
    expect(own).toBeDefined();
    expect(isRunning({ pid: process.pid, startTime: own?.startTime ?? "" })).toBe(true);
    expect(isRunning({ pid: process.pid, startTime: "another boot" })).toBe(false);
    expect(programOf(process.pid)).toBeTruthy();
  });

  it("ends a process, and one that ignores SIGTERM too", async () => {
    const script = "process.on('SIGTERM', () => {}); process.stdout.write('x'); setInterval(() => {}, 1000)";
    const stubborn = spawn(process.execPath, ["-e", script], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    await once(stubborn.stdout, "data");
    const identity = identifyProcess(stubborn.pid ?? 0);
    expect(identity && (await endProcess(identity, "SIGTERM", 50))).toBe(true);
    expect(identity && isRunning(identity)).toBe(false);
  });
});

describe("lock", () => {
  const file = () => join(folder, "lock");

  it("is held once and given back", () => {
    const lock = acquireLock(file());
    expect(readLock(file())?.pid).toBe(process.pid);
    expect(() => acquireLock(file())).toThrow(expect.objectContaining({ code: "platform_locked" }));
    lock.release();
    expect(readLock(file())).toBeUndefined();
    acquireLock(file()).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ["of an ended process", JSON.stringify({ pid: 2 ** 22 - 1, startTime: "x" })],
    ["whose process id is used again", JSON.stringify({ pid: process.pid, startTime: "before the boot" })],
    ["that was cut short", '{"pid":'],
    ["that is empty", ""],
  ])("takes over a file %s", (_case, content) => {
    writeFileSync(file(), content);
    const lock = acquireLock(file());
    expect(readLock(file())).toEqual(lock.holder);
    lock.release();
  });

  it("does not remove the lock of another process", async () => {
    const lock = acquireLock(file());
    const other = idle();
    writeFileSync(file(), JSON.stringify(identifyProcess(other.pid ?? 0)));
    lock.release();
    expect(readLock(file())?.pid).toBe(other.pid);
    other.kill("SIGKILL");
    await once(other, "exit");
  });
});

describe("ports", () => {
  it("keeps remembered ports, leaves taken ones, and gives none twice", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const taken = (server.address() as AddressInfo).port;
    expect(await isPortFree(taken)).toBe(false);
    const claims = join(folder, "claims");
    const first = await choosePorts(["a"], { remembered: {}, preferred: {}, claims });
    const { a } = first.ports;
    first.release();
    const { ports } = await choosePorts(["a", "b", "c"], {
      remembered: { a, b: taken, c: a },
      preferred: {},
      claims,
    });
    expect(ports.a).toBe(a);
    expect(new Set(Object.values(ports)).size).toBe(3);
    expect(Object.values(ports)).not.toContain(taken);
    server.close();
  });

  it("takes any port below those that connections get, and not one to avoid", async () => {
    const claims = join(folder, "claims");
    const range = "/proc/sys/net/ipv4/ip_local_port_range";
    const first = existsSync(range) ? Number(readFileSync(range, "utf8").trim().split(/\s+/)[0]) : 32_768;
    const options = { remembered: {}, preferred: {}, claims };
    const chosen = await choosePorts(["a", "b", "c", "d"], options);
    const { ports } = chosen;
    chosen.release();
    if (first > 21_000) expect(Math.max(...Object.values(ports))).toBeLessThan(first);
    const avoid = new Set([ports.a]);
    const again = await choosePorts(["a"], { ...options, remembered: { a: ports.a }, avoid });
    again.release();
    expect(again.ports.a).not.toBe(ports.a);
  });

  it("gives two platforms that start together different ports", async () => {
    const claims = join(folder, "claims");
    const free = await choosePorts(["a"], { remembered: {}, preferred: {}, claims });
    free.release();
    const options = { remembered: {}, preferred: { a: free.ports.a }, claims };
    const both = await Promise.all([choosePorts(["a"], options), choosePorts(["a"], options)]);
    expect(both[0].ports.a).not.toBe(both[1].ports.a);
    both.forEach((chosen) => chosen.release());
    expect((await choosePorts(["a"], options)).ports.a).toBe(free.ports.a);
  });
});

describe("log file", () => {
  it("reads its end, and what was added since", () => {
    const file = join(folder, "x.log");
    expect(tailLog(file, 5)).toEqual([]);
    expect(logSize(file)).toBe(0);
    writeFileSync(file, "one\ntwo\nthree\n");
    expect(tailLog(file, 2)).toEqual(["two", "three"]);
    expect(endOfLog(file, 4)).toBe("two\nthree\n");
    expect(logSize(file)).toBe(14);
    writeFileSync(file, `${"x".repeat(70_000)}end\n`);
    expect(endOfLog(file, 0)).toMatch(/^x{65532}end\n$/);
    writeFileSync(file, "one\ntwo\nthree\n");
    expect(readLogFrom(file, 8)).toBe("three\n");
    expect(readLogFrom(file, 99)).toBe("");
  });

  it("sets a large one aside at the next start", () => {
    const file = join(folder, "x.log");
    writeFileSync(file, Buffer.alloc(10 * 1024 * 1024 + 1, "a"));
    expect(logSize(file)).toBe(0);
    openLog(file);
    expect(readdirSync(folder).toSorted()).toEqual(["x.log", "x.log.1"]);
    expect(tailLog(file, 1)).toEqual([]);
  });
});
