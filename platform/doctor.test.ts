import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readSettings } from "../config/settings.ts";
import { examineMachine } from "./doctor.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-doctor-"));
  mkdirSync(join(folder, "mine"));
  writeFileSync(join(folder, "file"), "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is said of a state folder; with addresses of one's own nothing is looked for on the network. */
async function stateOf(stateDir: string): Promise<string | undefined> {
  const environment = {
    TEMPORAL_CONFIG_FILE: join(folder, "none.toml"),
    TEMPORAL_ADDRESS: "127.0.0.1:1",
    DATABASE_URL: "postgresql://127.0.0.1:1/aura",
    AURA_STATE_DIR: stateDir,
  };
  const checks = await examineMachine(readSettings(environment, folder));
  return checks.find(({ name }) => name === "state folder")?.state;
}

it("makes a folder where the state folder will be, and leaves nothing behind", async () => {
  expect(await stateOf(join(folder, "mine/deep/.aura"))).toBe("ok");
  expect(readdirSync(join(folder, "mine"))).toEqual([]);
});

it("does not call a state folder good that no start could use", async () => {
  expect(await stateOf("/proc/x")).toBe("missing");
  expect(await stateOf(join(folder, "file/x"))).toBe("missing");
  expect(await stateOf(folder)).toBe("missing");
});
