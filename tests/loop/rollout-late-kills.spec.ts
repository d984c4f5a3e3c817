import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RolloutRow } from "../../stores/postgres/port.ts";
import { nanAtOneOnnx } from "../support/tiny-onnx.ts";
import type { Ledger } from "./support/ledger.ts";
import { MODEL, openRolloutBench } from "./support/rollout-bench.ts";
import type { RolloutBench } from "./support/rollout-bench.ts";

const PARTS = ["worker", "api", "temporal", "postgres", "scorer"] as const;
const CANARY = {
  shadow: false,
  steps: [{ share: 40, bake: "6s" }],
  minRows: 20,
  guards: { latency: false },
};
const WITHIN_MS = 90_000;

describe("a rollout whose parts are killed late", () => {
  let bench: RolloutBench;
  let ledger: Ledger;
  beforeAll(async () => {
    bench = await openRolloutBench({ rollout: "{}", parts: PARTS });
  });
  afterEach(async () => {
    await ledger.stop();
    await bench.abortOpen();
  });
  afterAll(async () => {
    await bench.close();
  });

  const begin = (currentOf: (n: number) => number): void => {
    ledger = bench.ledger();
    ledger.begin({
      perSecond: 40,
      rowOf: (n) => ({ voltage: n % 50, current: currentOf(n) }),
      isPatient: true,
    });
  };
  /** Looks without a pause: what is waited for is over in tenths of a second. @returns when it was so */
  const untilJust = async (isSo: () => Promise<boolean>): Promise<number> => {
    const deadline = Date.now() + WITHIN_MS;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error("it did not come to that");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return Date.now();
  };
  const champions = async (): Promise<number[]> =>
    (await bench.db.registry.history(MODEL))
      .filter(({ alias }) => alias === "champion")
      .map(({ version }) => version);
  const expectWhole = async (row: RolloutRow, expected: readonly number[]): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect(await champions()).toEqual(expected);
    expect((await bench.db.registry.champion(MODEL))?.version).toBe(expected.at(-1));
    expect((await bench.db.audit.verify()).ok).toBe(true);
    const ends = (await bench.db.rollouts.events(row.id)).filter(({ state }) =>
      ["promoted", "rolled_back", "aborted"].includes(state),
    );
    expect(ends).toHaveLength(1);
  };

  it("while it is promoting: its version is champion, once", async () => {
    const before = await champions();
    begin((n) => n % 7);
    const version = await bench.approved({ version: 2, slope: 2.001 });
    const id = await bench.start(version, { ...CANARY, steps: [{ share: 40, bake: "2s" }] });
    const at = await untilJust(async () => (await bench.row(id)).state === "promoting");
    await bench.kill(...PARTS);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, WITHIN_MS);
    expect(done, done.reason ?? "").toMatchObject({ state: "promoted", guard: null });
    expect(Date.parse(done.endedAt ?? "")).toBeGreaterThan(at);
    await expectWhole(done, [...before, version]);
  });

  it("while it is paused: it stays so with what was left of its bake, and goes on when told to", async () => {
    const before = await champions();
    begin((n) => n % 7);
    const version = await bench.approved({ version: 3, slope: 2.002 });
    const id = await bench.start(version, CANARY);
    await bench.untilRow(id, (row) => row.mode === "canary");
    expect((await bench.post(`/v1/rollouts/${id}/pause`, { reason: "the night" })).status).toBe(200);
    const paused = await bench.row(id);
    await bench.kill(...PARTS);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const { state, remainingMs, revision, share } = paused;
    expect(await bench.row(id)).toMatchObject({ state, remainingMs, revision, share, bakeUntil: null });
    expect((await bench.post(`/v1/rollouts/${id}/continue`, { reason: "the day" })).status).toBe(200);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, WITHIN_MS);
    expect(done, done.reason ?? "").toMatchObject({ state: "promoted", guard: null });
    await expectWhole(done, [...before, version]);
  });

  it.each([
    ["while it is rolled back: when its guard has what it takes", 4, "counted"],
    ["while it is rolled back: when that is recorded", 5, "recorded"],
  ] as const)("%s", async (_name, number, moment) => {
    const before = await champions();
    let isBad = false;
    begin((n) => (isBad && n % 4 === 0 ? 1 : 2));
    const slope = 2 + number / 1_000;
    const onnx = nanAtOneOnnx([slope, 1], 1);
    const version = await bench.approved({ version: number, onnx, slope });
    const id = await bench.start(version, { ...CANARY, steps: [{ share: 40, bake: "60s" }] });
    await bench.untilRow(id, (row) => row.mode === "canary");
    await untilJust(async () => ledger.versionsSince(Date.now() - 2_000).has(version));
    isBad = true;
    await untilJust(async () => {
      if (moment === "recorded") return (await bench.row(id)).state === "rolled_back";
      const stats = await bench.db.rollouts.stats(id, 0);
      return stats.some(({ counts }) => Object.keys(counts.candidate.nonFinite).length > 0);
    });
    await bench.kill(...PARTS);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, WITHIN_MS);
    expect(done, done.reason ?? "").toMatchObject({ state: "rolled_back", guard: "non_finite" });
    const champion = before.at(-1) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect([...ledger.versionsSince(since).keys()]).toEqual([champion]);
    await expectWhole(done, before);
  });
});
