import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { registerLabelsCommand } from "../commands/model/labels.ts";
import { attachContext } from "../context.ts";
import { startFakeApi } from "../fake-api.ts";
import type { FakeApi } from "../fake-api.ts";
import { Output } from "../output.ts";

let api: FakeApi;
let folder: string;
let shown = "";
let exitCode: number | undefined;
let reply: object = {};
const NONE = {
  received: 0,
  added: 0,
  known: 0,
  conflicting: 0,
  refused: 0,
  ids: [],
  problems: [],
  unknownAssets: [],
};
beforeEach(async () => {
  [shown, exitCode, reply] = ["", undefined, {}];
  folder = mkdtempSync(join(tmpdir(), "aura-labels-"));
  api = await startFakeApi({ "POST /v1/labels": () => ({ body: { ...NONE, ...reply } }) });
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

async function add(file: string, text: string, ...more: readonly string[]): Promise<void> {
  writeFileSync(join(folder, file), text);
  const stream = { write: (part: string) => (shown += part) };
  const environment = { AURA_API_URL: api.url };
  const output = new Output({ stdout: stream, stderr: stream, environment });
  const program = new Command().exitOverride();
  const exitWith = (code: number) => void (exitCode = code);
  attachContext(program, { output, environment, cwd: folder, isInteractive: false, exitWith });
  registerLabelsCommand(program);
  await program.parseAsync(["node", "aura", "labels", "add", file, ...more]);
}

const sent = () =>
  api.requests.map(({ body }) =>
    body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  );

it("sends the rows of a CSV as labels, numbers and times as what they are", async () => {
  reply = { received: 2, added: 2 };
  await add(
    "f.csv",
    "asset,t,value,prediction_id\np1,17,worn,\n,,2,abc\n",
    "--kind",
    "class",
    "--source",
    "cmms",
  );
  expect(sent()).toEqual([
    [
      { asset: "p1", t: 17, value: "worn" },
      { predictionId: "abc", value: 2 },
    ],
  ]);
  expect(api.requests[0]?.path).toBe("/v1/labels?source=cmms&kind=class");
  expect(shown).toContain("2 labels sent, 2 added");
  expect(exitCode).toBeUndefined();
});

it("sends JSON in parts, and says where what was refused stands", async () => {
  const labels = Array.from({ length: 1_001 }, (_, t) => ({ kind: "event_free", asset: "a", t }));
  await add("f.json", JSON.stringify(labels));
  expect(sent().map((part) => part.length)).toEqual([1_000, 1]);
  reply = {
    received: 1,
    refused: 1,
    problems: [{ index: 0, outcome: "refused", code: "invalid_body", reason: "read label [t]: no" }],
  };
  await add("g.csv", 'asset,t\n"two\nlines",1\n', "--kind", "failure");
  expect(shown).toContain("g.csv:2: refused: read label [t]: no");
  expect(exitCode).toBe(2);
});

it("tells of assets that nothing is on record of", async () => {
  reply = { received: 1, added: 1, unknownAssets: ["PUMP-O7"] };
  await add("f.csv", "asset,t\nPUMP-O7,1\n", "--kind", "failure");
  expect(shown).toContain("nothing is on record of PUMP-O7");
  expect(exitCode).toBeUndefined();
});

it("refuses a file that is no labels before anything is sent", async () => {
  await expect(add("f.csv", "asset,when\n1,2\n")).rejects.toMatchObject({ code: "bad_file" });
  await expect(add("f.json", '{"x":1}')).rejects.toMatchObject({ code: "bad_file" });
  await expect(add("f.txt", "x")).rejects.toMatchObject({ code: "bad_file" });
  await expect(add("f.csv", 'asset\n"')).rejects.toMatchObject({ code: "bad_file" });
  expect(api.requests).toEqual([]);
});
