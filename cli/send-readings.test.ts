import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NO_INTAKE } from "../schemas/live/intake.ts";
import { attachContext } from "./context.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi } from "./fake-api.ts";
import { Output } from "./output.ts";
import { registerReadingsCommand } from "./commands/live/readings.ts";

let api: FakeApi;
let folder: string;
let shown = "";
let exitCode: number | undefined;
let reply: object = {};
beforeEach(async () => {
  [shown, exitCode] = ["", undefined];
  folder = mkdtempSync(join(tmpdir(), "aura-send-"));
  api = await startFakeApi({
    "POST /v1/readings": () => ({ body: { ...NO_INTAKE, source: "pumps", problems: [], ...reply } }),
  });
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

async function send(text: string): Promise<void> {
  writeFileSync(join(folder, "z.jsonl"), text);
  const stream = { write: (part: string) => (shown += part) };
  const environment = { AURA_API_URL: api.url };
  const output = new Output({ stdout: stream, stderr: stream, environment });
  const program = new Command().exitOverride();
  const exitWith = (code: number) => void (exitCode = code);
  attachContext(program, { output, environment, cwd: folder, isInteractive: false, exitWith });
  registerReadingsCommand(program);
  await program.parseAsync(["node", "aura", "readings", "send", "z.jsonl", "--source", "pumps"]);
}

it("sends lines as they stand", async () => {
  reply = { received: 2, stored: 1, quarantined: 1 };
  const lines = ['{"asset":"a","values":{"pressure":1e999}}', '{"asset":"a","asset":"b"}'];
  await send(`{"asset":"a"}\n\n \r\n${lines.join("\n")}`);
  const [request] = api.requests;
  expect(request?.body).toBe(`{"asset":"a"}\n${lines.join("\n")}\n`);
  expect([request?.path, request?.headers["content-type"]]).toEqual([
    "/v1/readings?source=pumps",
    "application/x-ndjson",
  ]);
  expect(exitCode).toBeUndefined();
});

it("refuses a file that is no lines of JSON before anything is sent", async () => {
  await expect(send("asset,time,pressure\np1,2026-01-01,3\n")).rejects.toMatchObject({ code: "bad_file" });
  expect(api.requests).toEqual([]);
});

it("ends with 1 when nothing could be stored, naming the lines and why", async () => {
  const problem = {
    index: 0,
    code: "bad_time",
    outcome: "quarantined",
    message: "time: there is no such date",
  };
  reply = { received: 1, quarantined: 1, problems: [problem] };
  await send('\n{"asset":"a"}\n');
  expect(exitCode).toBe(1);
  expect(shown).toContain("z.jsonl:2: quarantined, bad_time: time: there is no such date");
});

it("ends well when everything was there before", async () => {
  reply = { received: 1, duplicate: 1 };
  await send('{"asset":"a"}\n');
  expect(exitCode).toBeUndefined();
});
