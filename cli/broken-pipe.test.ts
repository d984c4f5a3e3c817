import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { watchPipes } from "./broken-pipe.ts";

const errorOf = (code: string) => Object.assign(new Error(`write ${code}`), { code });

function watched(nListeners: number) {
  const stream = new EventEmitter();
  const host = { listenerCount: () => nListeners, emit: vi.fn(), exit: vi.fn() };
  return { stream, host, isBroken: watchPipes([stream], host) };
}

describe("watchPipes", () => {
  it("exits as a program that SIGPIPE ended", () => {
    const { stream, host, isBroken } = watched(0);
    expect(isBroken()).toBe(false);
    stream.emit("error", errorOf("EPIPE"));
    expect(host.exit).toHaveBeenCalledWith(141);
    expect(isBroken()).toBe(true);
  });

  it("lets a command that stops things end in order, once", () => {
    const { stream, host } = watched(1);
    for (let n = 0; n < 3; n += 1) stream.emit("error", errorOf("EPIPE"));
    expect(host.emit).toHaveBeenCalledTimes(1);
    expect(host.exit).not.toHaveBeenCalled();
  });

  it("leaves other errors loud", () => {
    const { stream } = watched(0);
    expect(() => stream.emit("error", errorOf("ENOSPC"))).toThrow("ENOSPC");
  });
});
