import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readSettings } from "../config/settings.ts";
import { findRunningPlatform } from "./running.ts";
import { startPlatform } from "./supervisor.ts";

/** What needs no real part; the rest is in tests/integration/platform.test.ts. */

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-supervisor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settingsWith = (environment: Readonly<Record<string, string>>) =>
  readSettings({ TEMPORAL_CONFIG_FILE: join(folder, "none.toml"), ...environment }, folder);

it("refuses a part it does not know, before it writes anything", async () => {
  await expect(startPlatform(settingsWith({}), { parts: ["kafka"] })).rejects.toMatchObject({
    code: "config_invalid",
  });
});

it("names the API port that another program has", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const settings = settingsWith({ AURA_API_PORT: String(port) });
  await expect(startPlatform(settings, { parts: [] })).rejects.toMatchObject({
    code: "config_invalid",
    locations: [expect.objectContaining({ field: "AURA_API_PORT" })],
  });
  expect(findRunningPlatform(settings)).toBeUndefined();
  server.close();
});

it("gives the lock back when a part does not start, and when it is stopped", async () => {
  // A server binary that ends at once.
  const cli = join(folder, "temporal");
  writeFileSync(cli, "#!/bin/sh\necho no such luck\nexit 7\n");
  chmodSync(cli, 0o755);
  const settings = settingsWith({ AURA_TEMPORAL_CLI: cli });
  await expect(startPlatform(settings, { parts: ["temporal"], anyPorts: true })).rejects.toThrow(
    /^start temporal \[ended with code 7\]: no such luck; its log is .*temporal\.log$/,
  );
  const platform = await startPlatform(settings, { parts: [], anyPorts: true });
  expect(findRunningPlatform(settings)?.state).toBe("ready");
  await Promise.all([platform.stop(), platform.stop()]);
  expect(findRunningPlatform(settings)).toBeUndefined();
});

it("starts again with another port when a stranger had the chosen one for a moment", async () => {
  // A server that finds its port taken, whoever has it being gone when it is looked for.
  const cli = join(folder, "temporal");
  const seen = join(folder, "seen");
  writeFileSync(
    cli,
    `#!/bin/sh\necho "$@" | grep -o -- "--port=[0-9]*" >> '${seen}'\necho "bind: address already in use" >&2\nexit 1\n`,
  );
  chmodSync(cli, 0o755);
  const warnings: string[] = [];
  const enough = new AbortController();
  const starting = startPlatform(settingsWith({ AURA_TEMPORAL_CLI: cli }), {
    parts: ["temporal"],
    anyPorts: true,
    signal: enough.signal,
    onEvent: ({ kind, message }) => {
      if (kind === "warning") warnings.push(message);
      else if (warnings.length > 0 && message.includes("ended with code 1")) enough.abort();
    },
  });
  await expect(starting).rejects.toMatchObject({ code: "cancelled" });
  expect(new Set(readFileSync(seen, "utf8").trim().split("\n")).size).toBe(2);
  expect(warnings).toEqual([expect.stringMatching(/was taken meanwhile: starting again with another/)]);
});

it("gives a start up when it is told to", async () => {
  const asked = new AbortController();
  const cli = join(folder, "temporal");
  writeFileSync(cli, "#!/bin/sh\nexec sleep 60\n");
  chmodSync(cli, 0o755);
  const starting = startPlatform(settingsWith({ AURA_TEMPORAL_CLI: cli }), {
    parts: ["temporal"],
    anyPorts: true,
    signal: asked.signal,
    onEvent: ({ message }) => message === "spawned" && asked.abort(),
  });
  await expect(starting).rejects.toMatchObject({ code: "cancelled" });
});
