import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { askDecision } from "./ask-decision.ts";

const NEVER = new AbortController().signal;

function converse(signal = NEVER) {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  const asked = () => String(stderr.read() ?? "");
  return { stdin, asked, answer: askDecision("ann", signal, { stdin, stderr }) };
}

describe("askDecision", () => {
  it("takes both answers when they are pasted at once", async () => {
    const { stdin, answer } = converse();
    stdin.write("a\nwhy not\n");
    expect(await answer).toEqual({ decision: "approve", by: "ann", reason: "why not" });
  });

  it("takes them when the input has ended already", async () => {
    const { stdin, answer } = converse();
    stdin.end("r\ntoo many false alarms\n");
    expect(await answer).toEqual({ decision: "reject", by: "ann", reason: "too many false alarms" });
  });

  it("asks again for what is no answer, and takes the end for later", async () => {
    const { stdin, asked, answer } = converse();
    stdin.write("yes\n");
    await turn();
    expect(asked().match(/Approve, reject or later/g)).toHaveLength(2);
    stdin.end("a\n");
    expect(await answer).toBeNull();
  });

  it("ends with the reason of the signal", async () => {
    const ending = new AbortController();
    const { answer } = converse(ending.signal);
    ending.abort(new Error("interrupted"));
    await expect(answer).rejects.toThrow("interrupted");
  });
});
