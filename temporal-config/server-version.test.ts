import { describe, expect, it } from "vitest";
import { assertServerVersion, isLoopback, isSafeVersion } from "./server-version.ts";

/** A connection to a server of the given version; only getSystemInfo is asked. */
const serverOf = (serverVersion: string) =>
  ({ workflowService: { getSystemInfo: () => Promise.resolve({ serverVersion }) } }) as never;

describe("isSafeVersion", () => {
  it.each([
    ["1.29.5", false],
    ["1.29.6", true],
    ["1.30.0", false],
    ["1.30.3", false],
    ["1.30.4", true],
    ["1.30.4-rc.1", true],
    ["1.31.0", true],
    ["2.0.0", true],
    ["1.28.9", false],
    ["", false],
    ["unknown", false],
  ])("%s: %s", (version, expected) => expect(isSafeVersion(version)).toBe(expected));
});

describe("isLoopback", () => {
  it.each([
    ["127.0.0.1:7233", true],
    ["127.9.9.9:7233", true],
    ["localhost:7233", true],
    ["LOCALHOST", true],
    ["[::1]:7233", true],
    ["127.0.0.1.example.com:7233", false],
    ["localhost.example.com:7233", false],
    ["0.0.0.0:7233", false],
    ["10.0.0.1:7233", false],
  ])("%s: %s", (address, expected) => expect(isLoopback(address)).toBe(expected));
});

describe("assertServerVersion", () => {
  it("refuses an old server that others can reach", async () => {
    await expect(assertServerVersion(serverOf("1.29.1"), "temporal.plant:7233")).rejects.toMatchObject({
      code: "config_invalid",
    });
  });

  it("warns about an old server on loopback", async () => {
    const report = await assertServerVersion(serverOf("1.29.1"), "127.0.0.1:7233");
    expect(report.warning).toContain("1.29.1");
  });

  it.each([
    ["1.30.4", "temporal.plant:7233"],
    ["0.0.0", "plant.a1b2c.tmprl.cloud:7233"],
  ])("accepts %s at %s", async (version, address) => {
    expect(await assertServerVersion(serverOf(version), address)).toEqual({ version });
  });
});
