import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { Output } from "./output.ts";
import { createProgram } from "./program.ts";

/** The program, and all it has printed. */
function quietProgram(): { program: Command; printed: () => string } {
  let text = "";
  const stream = { write: (chunk: string) => ((text += chunk), true) };
  const output = new Output({ stdout: stream, stderr: stream, environment: {} });
  const program = createProgram({
    output,
    environment: {},
    cwd: "/nowhere",
    isInteractive: false,
    exitWith: () => undefined,
  });
  return { program, printed: () => text };
}

/** Full names of the commands that do something: `models promote`, `up`. */
function leavesOf(command: Command, path: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(" ")];
  return command.commands.flatMap((below) => leavesOf(below, [...path, below.name()]));
}

describe("the help", () => {
  it.each(leavesOf(quietProgram().program))("of aura %s has an example of it", async (name) => {
    const { program, printed } = quietProgram();
    await expect(program.parseAsync(["node", "aura", ...name.split(" "), "--help"])).rejects.toThrow();
    expect(printed()).toMatch(/\nExamples?:\n {2}\$ /);
    expect(printed()).toMatch(name === "demo" ? /npm run demo/ : new RegExp(`\\$ .*aura ${name}`));
  });

  it("says which options must be given", async () => {
    const { program, printed } = quietProgram();
    await expect(program.parseAsync(["node", "aura", "help", "data", "add"])).resolves.toBeDefined();
    expect(printed().replaceAll(/\s+/g, " ")).toContain("named as in the pipeline file (required)");
  });
});

describe("a wrong command line", () => {
  it.each([
    ["help foo", "unknown command 'foo'"],
    ["rum", "Did you mean run?"],
    ["models lst", "Did you mean list?"],
    ["run pipeline.yaml", "required option '--data <folder>'"],
    ["models promote m x", "expected a version number from 1"],
    ["keys create x --role god", "viewer, operator, approver, admin"],
    ["predictions --since yesterday", "30m, 24h, 7d ago"],
  ])("aura %s", async (line, expected) => {
    const { program, printed } = quietProgram();
    await expect(program.parseAsync(["node", "aura", ...line.split(" ")])).rejects.toThrow();
    expect(printed()).toContain(expected);
  });
});
