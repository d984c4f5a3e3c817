import { describe, expect, it } from "vitest";
import type { OnlineFeatures } from "../../schemas/live/online-features.ts";
import { agedReply, newerOf } from "./remembered-features.ts";

const REPLY: OnlineFeatures = {
  asset: "p1",
  model: "pump",
  version: 1,
  digest: "d".repeat(64),
  source: "pump",
  status: "present",
  at: "2026-01-01T00:00:00Z",
  epoch: 0,
  ageSeconds: 10,
  ttlSeconds: 60,
  features: [{ name: "voltage", value: 3, status: "present", ageSeconds: 10 }],
  warnings: [],
};
const CACHED_AT = Date.UTC(2026, 0, 1, 0, 0, 10);

describe("an answer of the past", () => {
  it("is older by the time that passed, and says that no scorer gave it", () => {
    expect(agedReply({ cachedAt: CACHED_AT, reply: REPLY }, CACHED_AT + 20_000)).toMatchObject({
      status: "present",
      ageSeconds: 30,
      features: [{ value: 3, status: "present", ageSeconds: 30 }],
      warnings: ["features: no scorer answers; these are of 2026-01-01T00:00:10.000Z"],
    });
  });

  it("becomes stale with its time to live", () => {
    expect(agedReply({ cachedAt: CACHED_AT, reply: REPLY }, CACHED_AT + 50_001)).toMatchObject({
      status: "stale",
      features: [{ status: "stale" }],
    });
  });

  it("is the newer one of this process and of the shared cache", () => {
    const own = { cachedAt: 2, reply: REPLY };
    const shared = (cachedAt: number) => ({
      cachedAt,
      features: { ...REPLY, asset: "shared" },
      row: undefined as never,
    });
    expect(newerOf("features", own, shared(1))?.reply.asset).toBe("p1");
    expect(newerOf("features", own, shared(3))?.reply.asset).toBe("shared");
    expect(newerOf("features", undefined, undefined)).toBeUndefined();
  });
});
