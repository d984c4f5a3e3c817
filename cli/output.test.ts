import { describe, expect, it } from "vitest";
import { PlatformError } from "../schemas/platform-error.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { Output, safeText } from "./output.ts";

function outputTo(isTTY: boolean, environment: Readonly<Record<string, string>> = {}, now = () => 0) {
  const written = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    isTTY,
    columns: 30,
    write: (text: string) => (written[name] += text),
  });
  return {
    written,
    output: new Output({ stdout: stream("stdout"), stderr: stream("stderr"), environment, now }),
  };
}

describe("Output", () => {
  it("leaves one document on stdout and the rest on stderr", () => {
    const { written, output } = outputTo(false);
    output.progress("training");
    output.warn("slow");
    output.json({ runId: "r" });
    expect(JSON.parse(written.stdout)).toEqual({ runId: "r" });
    expect(written.stderr).toBe("training\nwarning: slow\n");
  });

  it("colours on a terminal only, and never with NO_COLOR", () => {
    expect(outputTo(true).output.style("red", "x")).not.toBe("x");
    expect(outputTo(false).output.style("red", "x")).toBe("x");
    expect(outputTo(true, { NO_COLOR: "1" }).output.style("red", "x")).toBe("x");
  });

  it("rewrites its progress line on a terminal and clears it before a line", () => {
    const { written, output } = outputTo(true, { NO_COLOR: "1" });
    output.progress("a".repeat(100));
    output.line("done");
    expect(written.stderr).toBe(`\r\u001B[2K${"a".repeat(29)}\r\u001B[2K`);
    expect(written.stdout).toBe("done\n");
  });

  it("writes a counter without a terminal every 15 s only", () => {
    let seconds = 0;
    const { written, output } = outputTo(false, {}, () => seconds * 1_000);
    for (; seconds < 40; seconds += 2) output.progress(`building: ${seconds} s`);
    output.progress("starting");
    expect(written.stderr).toBe("building: 0 s\nbuilding: 16 s\nbuilding: 32 s\nstarting\n");
  });

  it("prints an error with its places and the remedy", () => {
    const { written, output } = outputTo(false);
    const locations = [{ file: "pipeline.yaml", line: 3, field: "label", expected: "one of", found: "x" }];
    output.error(new PlatformError("invalid_pipeline", "read\nthe file", { locations }));
    expect(written.stderr.split("\n")).toEqual([
      "error invalid_pipeline: read the file",
      "  pipeline.yaml:3:label: expected one of, found x",
      "  Correct the line and field named; `aura validate` checks it again.",
      "",
    ]);
  });

  it("says what to do in words of the command line", () => {
    const { written, output } = outputTo(false);
    output.error(new PlatformError("unauthenticated", "GET /v1/runs: no key"));
    output.error(
      new PlatformError("config_invalid", "reset: expected --yes", { locations: [{ field: "--yes" }] }),
    );
    expect(written.stderr).toContain("Set AURA_API_KEY");
    expect(written.stderr).toContain("Give or correct the option `--yes`.");
  });

  it("says expected once", () => {
    const { written, output } = outputTo(false);
    const locations = [{ field: "digest", expected: "expected 64 hex digits" }];
    output.error(new PlatformError("invalid_body", "decide", { locations }));
    expect(written.stderr).toContain("\n  digest: expected 64 hex digits\n");
  });

  it("does not say the place of an error twice", () => {
    const { written, output } = outputTo(false);
    const said = { file: "p.yaml", line: 3, field: "unit", expected: "a known unit", found: "'x'" };
    const one = outputTo(false);
    const sentence = "p.yaml:3: unit: expected a known unit, found 'x'";
    one.output.error(new PlatformError("invalid_pipeline", sentence, { locations: [said] }));
    expect(one.written.stderr.match(/known unit/g)).toHaveLength(1);
    const locations = [{ file: "a.csv", expected: "rows", found: "none" }];
    output.error(new PlatformError("bad_file", "a.csv: expected rows, found none", { locations }));
    expect(written.stderr.split("\n")).toHaveLength(3);
  });

  it("says a broken rule in the message, and its rows below", () => {
    const { written, output } = outputTo(false);
    const rule = { field: "sources.r", expected: "at most 1 % bad rows", found: "2 of 3" };
    const row = { file: "a.csv", line: 2, field: "x", expected: "a number", found: "'x'" };
    const message = "sources.r: expected at most 1 % bad rows, found 2 of 3";
    output.error(new PlatformError("quality_gate", message, { locations: [rule, row] }));
    expect(written.stderr.split("\n").slice(0, 2)).toEqual([
      `error quality_gate: ${message}`,
      "  a.csv:2:x: expected a number, found 'x'",
    ]);
    expect(written.stderr.split("at most 1 %")).toHaveLength(2);
  });

  it("pads a table and makes its cells safe", () => {
    const { written, output } = outputTo(false);
    output.table(["part", "state"], [["api\u001B[2J", "ready"]]);
    expect(written.stdout).toBe("part     state\napi\uFFFD[2J  ready\n");
  });
});

it("safeText keeps one line", () => expect(safeText("a\r\nb\u0007c\td")).toBe("a b\uFFFDc\td"));

it.each([
  ["a defect", new Error("x"), EXIT.fault],
  ["a wrong pipeline", new PlatformError("invalid_pipeline", "x"), EXIT.badInput],
  ["a wrong setting", new PlatformError("config_invalid", "x"), EXIT.badInput],
  ["a refused gate", new PlatformError("gate_refused", "x"), EXIT.gateRefused],
  ["a database that is away", new PlatformError("database_unavailable", "x"), EXIT.fault],
  ["no key", new PlatformError("unauthenticated", "x"), EXIT.badInput],
  ["a key that may not", new PlatformError("forbidden", "x"), EXIT.badInput],
  ["one's own approval", new PlatformError("self_approval", "x"), EXIT.badInput],
  ["a decision too late, or on another digest", new PlatformError("already_decided", "x"), EXIT.badInput],
  ["a conflict", new PlatformError("conflict", "x"), EXIT.badInput],
  ["an interruption", new PlatformError("cancelled", "x"), EXIT.fault],
  ["a lock", new PlatformError("platform_locked", "x"), EXIT.fault],
])("ends with the right code after %s", (_case, error, expected) => expect(exitCodeOf(error)).toBe(expected));
