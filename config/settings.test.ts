import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isPlatformError } from "../schemas/platform-error.ts";
import { SETTINGS_TABLE } from "./settings-table.ts";
import type { SettingName } from "./settings-table.ts";
import { readSettings } from "./settings.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "aura-settings-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

/** Without a profile of the machine's own. */
const read = (env: Readonly<Record<string, string>> = {}) =>
  readSettings({ TEMPORAL_CONFIG_FILE: join(cwd, "none.toml"), ...env }, cwd);

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("readSettings", () => {
  it("embeds everything when nothing is set", () => {
    const settings = read();
    expect(settings.stateDir).toBe(join(cwd, ".aura"));
    expect(settings.databaseUrl).toBeUndefined();
    expect(settings.temporal.address).toBeUndefined();
    expect(settings.temporal.namespace).toBe("default");
    expect(settings.objects).toMatchObject({ kind: "file", directory: join(cwd, ".aura", "objects") });
    expect(settings.api).toEqual({ host: "127.0.0.1" });
    expect(settings.workerQueues).toEqual(["control", "data", "train"]);
    expect(settings.stagingMaxRows).toBe(1_000_000);
    expect(settings.traceOnFull).toBe("answer");
  });

  it("takes .env, and the process's own variables before it; empty ones count as unset", () => {
    writeFileSync(join(cwd, ".env"), "AURA_API_PORT=9000\nAURA_LOG_LEVEL=debug\nAURA_API_HOST=::1\n");
    const settings = read({ AURA_API_PORT: "9001", AURA_LOG_LEVEL: "" });
    expect(settings.api).toEqual({ host: "::1", port: 9001 });
    expect(settings.logLevel).toBe("debug");
    expect(settings.environment["AURA_API_HOST"]).toBe("::1");
  });

  it.each([
    ["s3://plant", { bucket: "plant", prefix: "", url: "s3://plant", forcePathStyle: false }],
    ["s3://plant/a/b/", { bucket: "plant", prefix: "a/b", url: "s3://plant/a/b", forcePathStyle: false }],
  ])("reads the object store %s", (url, expected) => {
    expect(read({ AURA_OBJECTS: url }).objects).toMatchObject({
      kind: "s3",
      region: "us-east-1",
      ...expected,
    });
  });

  it("uses path style and the S3 endpoint where one is set", () => {
    const objects = read({
      AURA_OBJECTS: "s3://b",
      AWS_ENDPOINT_URL: "http://other:1",
      AWS_ENDPOINT_URL_S3: "http://127.0.0.1:7070",
    }).objects;
    expect(objects).toMatchObject({ endpoint: "http://127.0.0.1:7070", forcePathStyle: true });
  });

  it("hands a file store on as a URL that is read back to the same folder", () => {
    const { objects } = read({ AURA_STATE_DIR: "with space#%" });
    expect(read({ AURA_OBJECTS: objects.url }).objects).toEqual(objects);
  });

  it("reads Temporal's profile, and its variables before it", () => {
    const file = join(cwd, "temporal.toml");
    writeFileSync(file, '[profile.default]\naddress = "a.example:7233"\nnamespace = "plant"\n');
    const { temporal } = readSettings({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: "other" }, cwd);
    expect(temporal).toMatchObject({ address: "a.example:7233", namespace: "other" });
  });

  it.each([
    ["AURA_API_PORT", "0"],
    ["AURA_API_PORT", "80a"],
    ["AURA_WORKER_QUEUES", "control,disk"],
    ["AURA_INFERENCE_CHILDREN", "0"],
    ["AURA_STAGING_MAX_ROWS", "-1"],
    ["AURA_TRACE_ON_FULL", "maybe"],
    ["AURA_OBJECTS", "/tmp/objects"],
    ["DATABASE_URL", "mysql://h/d"],
  ])("refuses %s=%s and names the variable", (name, value) => {
    const error = errorOf(() => read({ [name]: value }));
    expect(isPlatformError(error) && error.code).toBe("config_invalid");
    expect(isPlatformError(error) && error.locations[0]?.field).toBe(name);
  });

  it("never repeats a secret", () => {
    const error = errorOf(() =>
      read({ DATABASE_URL: "mysql://u:hunter2@h/d", AURA_BOOTSTRAP_ADMIN_KEY: "hunter2" }),
    );
    expect(JSON.stringify([String(error), error])).not.toContain("hunter2");
  });
});

describe("SETTINGS_TABLE", () => {
  const rows = (Object.keys(SETTINGS_TABLE) as SettingName[]).map(
    (name) => [name, SETTINGS_TABLE[name]] as const,
  );

  it.each(rows)("%s explains itself and accepts its own default", (_name, row) => {
    expect(row.meaning.length).toBeGreaterThan(10);
    expect(row.default === null ? row.whenUnset : "given").toBeTruthy();
    expect(row.schema.safeParse(row.default ?? undefined).success).toBe(true);
  });
});
