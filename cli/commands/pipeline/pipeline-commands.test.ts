import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { EXIT, exitCodeOf } from "../../exit-codes.ts";
import { Output } from "../../output.ts";
import { registerInitCommand } from "./init.ts";
import { registerRunCommand } from "./run.ts";
import { registerSimulateCommand } from "./simulate.ts";
import { registerValidateCommand } from "./validate.ts";

const cwd = mkdtempSync(join(tmpdir(), "aura-cli-"));
afterAll(() => rmSync(cwd, { recursive: true }));

let shown = "";
beforeEach(() => {
  shown = "";
});

/** Runs one command line in the folder, not on a terminal; returns what the process would end with. */
async function aura(...args: string[]): Promise<number> {
  let exit: number = EXIT.ok;
  const stream = { write: (text: string) => (shown += text) };
  const output = new Output({ stdout: stream, stderr: stream, environment: {} });
  const program = new Command().exitOverride();
  attachContext(program, {
    output,
    environment: {},
    cwd,
    isInteractive: false,
    exitWith: (code) => (exit = code),
  });
  registerInitCommand(program);
  registerRunCommand(program);
  registerSimulateCommand(program);
  registerValidateCommand(program);
  try {
    await program.parseAsync(["node", "aura", ...args]);
    return exit;
  } catch (error) {
    output.error(error);
    return exitCodeOf(error);
  }
}

describe("from a simulated fleet to a valid pipeline file", () => {
  it("simulate, init and validate follow each other", async () => {
    expect(await aura("simulate", "--out", "fleet", "--assets", "8", "--days", "20", "--seed", "3")).toBe(0);
    expect(await aura("init", "fleet", "--out", "p.yaml")).toBe(0);
    expect(await aura("validate", "p.yaml", "--data", "fleet")).toBe(0);
    expect(shown).toContain("its 3 files fit");
  });

  it("validate notes a search that is too short to learn, and a column that says nothing", async () => {
    mkdirSync(join(cwd, "flat"));
    const rows = Array.from({ length: 20 }, (_, i) => `${i % 7},5,,${i % 2}\n`);
    writeFileSync(join(cwd, "flat", "t.csv"), `x,same,empty,failed\n${rows.join("")}`);
    writeFileSync(
      join(cwd, "flat.yaml"),
      "name: t\nsources:\n  readings: { files: t.csv, columns: [{ name: x }, { name: same }, { name: empty }," +
        " { name: failed, type: integer, use: label }] }\nlabel: { kind: column, column: failed, positive: 1 }\n" +
        "task: { kind: class }\ncandidates:\n  - kind: gbdt\n    search: { numLeaves: { kind: integer, low: 7, high: 63 } }\n" +
        "search: { budget: { trials: 5 } }\n",
    );
    expect(await aura("validate", "flat.yaml", "--data", "flat", "--json")).toBe(0);
    expect(JSON.parse(shown)).toMatchObject({
      valid: true,
      notes: [
        expect.stringContaining("all 5 trials are drawn at random"),
        expect.stringContaining("columns.same: all 20 rows looked at say '5'"),
        expect.stringContaining("columns.empty: all 20 rows looked at have no value"),
      ],
    });
    shown = "";
    expect(await aura("validate", "flat.yaml")).toBe(0);
    expect(shown).toMatch(/^note: search\.budget\.trials: .*\nflat\.yaml is valid\n$/);
  });

  it("init does not replace a file without being told to", async () => {
    writeFileSync(join(cwd, "mine.yaml"), "mine");
    expect(await aura("init", "fleet", "--out", "mine.yaml")).not.toBe(0);
    expect(readFileSync(join(cwd, "mine.yaml"), "utf8")).toBe("mine");
    expect(await aura("init", "fleet", "--out", "mine.yaml", "--force")).toBe(0);
  });
});

describe("bad input ends with 2 and writes nothing", () => {
  it.each([
    ["a number that is none", ["simulate", "--out", "x", "--assets", "many"]],
    ["an option out of range", ["simulate", "--out", "x", "--assets", "0"]],
    ["a missing file", ["init", "nowhere.csv", "--out", "x"]],
    ["a missing pipeline file", ["validate", "nowhere.yaml"]],
  ])("%s", async (_name, args) => {
    expect(await aura(...args)).toBe(2);
    expect(existsSync(join(cwd, "x"))).toBe(false);
  });

  it("an approver whom the pipeline file does not name", async () => {
    const text = readFileSync(join(cwd, "p.yaml"), "utf8").replace(
      "quorum: 1",
      "quorum: 1, approvers: [ann]",
    );
    writeFileSync(join(cwd, "named.yaml"), text);
    expect(await aura("run", "named.yaml", "--data", "fleet", "--approve-as", "bob")).toBe(2);
    expect(shown).toContain("one of the approvers of the pipeline file: ann, found bob");
  });

  it("a typo, with line, field, expected and found, also as JSON", async () => {
    writeFileSync(
      join(cwd, "typo.yaml"),
      readFileSync(join(cwd, "p.yaml"), "utf8").replace("failure_within", "failure_witin"),
    );
    expect(await aura("validate", "typo.yaml")).toBe(2);
    expect(shown).toMatch(
      /typo\.yaml:\d+: task\.kind: expected .*did you mean failure_within\?, found 'failure_witin'/,
    );
    shown = "";
    expect(await aura("validate", "typo.yaml", "--json")).toBe(2);
    expect(JSON.parse(shown)).toMatchObject({
      valid: false,
      errors: [{ field: "task.kind", found: "'failure_witin'" }],
    });
  });

  it("a header that does not fit", async () => {
    const path = join(cwd, "fleet", "readings.csv");
    writeFileSync(path, readFileSync(path, "utf8").replace("voltage", "volts"));
    expect(await aura("validate", "p.yaml", "--data", "fleet")).toBe(2);
    expect(shown).toContain("readings.csv");
    expect(shown).toContain("'voltage'");
  });
});
