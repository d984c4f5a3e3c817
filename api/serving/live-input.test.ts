import { describe, expect, it } from "vitest";
import type { OnlineRow } from "../../schemas/live/online-features.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import { liveInput } from "./live-input.ts";

const signature: Signature = {
  kind: "aura.signature/1",
  problem: "regression",
  task: "rul",
  inputs: ["a", "b", "c"].map((name) => ({ name, kind: "number", nullable: true })),
  output: { name: "output" },
};

const LIVE: OnlineRow = {
  asset: "p1",
  model: "pump",
  version: 1,
  digest: "d".repeat(64),
  source: "pumps",
  status: "unfit",
  at: "2026-01-01T00:00:00Z",
  epoch: 0,
  ageSeconds: 5,
  ttlSeconds: 60,
  warnings: [],
  row: [1, null, 3],
  policy: "flag",
  unfit: [{ index: 2, status: "unfit", reason: "c is stuck" }],
};

const STALE = {
  status: "stale",
  unfit: [0, 1, 2].map((index) => ({ index, status: "stale" as const, reason: "too old" })),
} as const;

const EMPTY = { row: [null, null, null], unfit: [] };
const NULLS = "features: 1 of 3 have no value: b";

describe("the input row of live features", () => {
  it("answers with a warning where the policy is to flag", () => {
    const { row, warnings } = liveInput({ signature }, LIVE);
    expect([...row]).toEqual([1, NaN, 3]);
    expect(warnings).toEqual([NULLS, "features: c is unfit: c is stuck"]);
  });

  it("takes unfit features for missing where the policy is to impute", () => {
    const { row, warnings } = liveInput({ signature }, { ...LIVE, policy: "impute" });
    expect([...row]).toEqual([1, NaN, NaN]);
    expect(warnings).toEqual([NULLS, "features: c is unfit: c is stuck; they are taken for missing"]);
  });

  it("refuses unfit features where the policy is to reject, but not good ones", () => {
    expect(() => liveInput({ signature }, { ...LIVE, policy: "reject" })).toThrow(
      expect.objectContaining({ code: "features_unfit" }),
    );
    expect(liveInput({ signature }, { ...LIVE, policy: "reject", unfit: [] }).warnings).toEqual([NULLS]);
    expect(liveInput({ signature }, { ...LIVE, row: [1, 2, 3], unfit: [] }).warnings).toEqual([]);
  });

  it("answers by stale features with a warning where the policy is to flag", () => {
    const { row, warnings } = liveInput({ signature }, { ...LIVE, ...STALE });
    expect([...row]).toEqual([1, NaN, 3]);
    expect(warnings).toEqual([NULLS, "features: a, b, c are stale: too old"]);
  });

  it.each([
    ["impute", "stale", STALE],
    ["impute", "missing", EMPTY],
    ["reject", "missing", EMPTY],
  ] as const)("refuses to predict by nothing: policy %s, all %s", (policy, _, given) => {
    expect(() => liveInput({ signature }, { ...LIVE, ...given, policy })).toThrow(
      expect.objectContaining({ code: "features_unfit" }),
    );
  });

  it("says that it is an answer to nothing where the policy is to flag", () => {
    expect(liveInput({ signature }, { ...LIVE, ...EMPTY }).warnings).toEqual([
      "no value of any feature: this is the model's answer to nothing",
      "features: 3 of 3 have no value: a, b, c",
    ]);
  });

  it("refuses stale features where the policy is to reject", () => {
    expect(() => liveInput({ signature }, { ...LIVE, ...STALE, policy: "reject" })).toThrow(
      expect.objectContaining({ code: "features_unfit" }),
    );
  });

  it("does not know an asset without a reading, whatever the policy", () => {
    expect(() => liveInput({ signature }, { ...LIVE, status: "not_found" })).toThrow(
      expect.objectContaining({ code: "not_found" }),
    );
  });
});
