import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isInShare } from "../../api/serving/rollout/sticky-share.ts";
import { rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import { until } from "../adapters/support/until.ts";
import { approve } from "../support/registry-samples.ts";
import { nanAtOneOnnx } from "../support/tiny-onnx.ts";
import type { Ledger } from "./support/ledger.ts";
import { MODEL, openRolloutBench } from "./support/rollout-bench.ts";
import type { RolloutBench } from "./support/rollout-bench.ts";

const QUICK =
  "{shadow: {bake: 2s}, steps: [{share: 20, bake: 2s}, {share: 60, bake: 2s}], minRows: 40, guards: {minRows: 40}}";

/** Promised of an automatic rollback, from when the guard has what it takes. */
const ROLLBACK_MS = 5_000;

describe("a rollout", () => {
  let bench: RolloutBench;
  let ledger: Ledger;
  beforeAll(async () => {
    bench = await openRolloutBench({ rollout: QUICK });
  });
  afterEach(async () => {
    await ledger.stop();
    await bench.abortOpen();
  });
  afterAll(async () => {
    await bench.close();
  });
  const begin = (perSecond = 100): void => {
    ledger = bench.ledger();
    ledger.begin({
      perSecond,
      rowOf: (n) => ({ voltage: n % 50, current: (n * 7) % 5 === 1 ? 1.5 : (n * 7) % 5 }),
    });
  };

  /** Every request was answered, by one of both versions, with that version's own number. */
  const expectWhole = (slopes: ReadonlyMap<number, number>): void => {
    expect(ledger.failed).toEqual([]);
    for (const { version } of ledger.entries) expect(slopes.has(version), `version ${version}`).toBe(true);
  };

  it("goes from shadow over growing shares to champion, and no request is lost", async () => {
    begin();
    const version = await bench.approved({ version: 2, slope: 2.001 });
    const id = await bench.start(version);
    const shadow = await bench.row(id);
    expect(shadow).toMatchObject({ state: "running", mode: "shadow", share: 0, championVersion: 1 });
    await bench.untilRow(id, (row) => row.mode === "canary");
    expect(ledger.versionsSince(0).get(version)).toBeUndefined();
    const done = await bench.untilRow(id, (row) => row.endedAt !== null);
    expect(done).toMatchObject({ state: "promoted", guard: null });
    expect((await bench.db.registry.champion(MODEL))?.version).toBe(version);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ledger.stop();
    expectWhole(
      new Map([
        [1, 2],
        [version, 2.001],
      ]),
    );
    const kinds = (await bench.db.rollouts.events(id)).map(({ kind }) => kind);
    // On a busy machine a stage may last longer than its bake for want of answers.
    expect(kinds.filter((kind) => kind !== "prolonged")).toEqual([
      "opened",
      "advanced",
      "advanced",
      "promoting",
      "promoted",
    ]);
    // An asset that the new version has answered once is answered by it from then on.
    const first = new Map<string, number>();
    for (const { asset, version: by } of ledger.entries.toSorted((a, b) => a.sentAt - b.sentAt)) {
      if (first.get(asset) === version) expect(by).toBe(version);
      else first.set(asset, by);
    }
  });

  it("goes over the stages that a file without its own has: shadow, 5, 25, 50 %, champion", async () => {
    const { steps } = rolloutSchema.parse({});
    expect(steps.map(({ share }) => share)).toEqual([5, 25, 50]);
    const before = (await bench.db.registry.champion(MODEL))?.version ?? 0;
    ledger = bench.ledger();
    ledger.begin({ perSecond: 100, nAssets: 400, rowOf: (n) => ({ voltage: n % 50, current: n % 5 }) });
    const version = await bench.approved({ version: 8, slope: 2.0015 });
    const short = steps.map(({ share }) => ({ share, bake: "2s" }));
    const id = await bench.start(version, { shadow: { bake: "1s" }, steps: short, minRows: 5 });
    const done = await bench.untilRow(id, (row) => row.endedAt !== null);
    expect(done, done.reason ?? "").toMatchObject({ state: "promoted", guard: null });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ledger.stop();
    expectWhole(
      new Map([
        [before, 2.001],
        [version, 2.0015],
      ]),
    );
    const events = (await bench.db.rollouts.events(id)).filter(({ kind }) => kind !== "prolonged");
    expect(events.map(({ kind, share }) => [kind, share])).toEqual([
      ["opened", 0],
      ["advanced", 5],
      ["advanced", 25],
      ["advanced", 50],
      ["promoting", 50],
      ["promoted", 50],
    ]);
    // What each stage answered is about its share of the assets: of 400 at 5 % 20, with a standard deviation of 4.
    for (const [i, { at, share }] of events.slice(1, 4).entries()) {
      const endsAt = Date.parse(events[i + 2]?.at ?? "");
      const during = ledger.entries.filter(
        ({ sentAt }) => sentAt > Date.parse(at) + 500 && sentAt < endsAt - 100,
      );
      const taken = new Set(during.filter((one) => one.version === version).map(({ asset }) => asset));
      for (const { asset, version: by } of during)
        expect(by === version, `${asset} at ${share} %`).toBe(isInShare(id, asset, share));
      expect(taken.size).toBeGreaterThan(0);
    }
  });

  it("is rolled back within five seconds of the first answer that is no number", async () => {
    let isBad = false;
    ledger = bench.ledger();
    ledger.begin({
      perSecond: 100,
      rowOf: (n) => ({ voltage: n % 50, current: isBad && n % 4 === 0 ? 1 : 2 }),
    });
    const champion = (await bench.db.registry.champion(MODEL))?.version ?? 0;
    const version = await bench.approved({ version: 7, onnx: nanAtOneOnnx([2.003, 1], 1), slope: 2.003 });
    const id = await bench.start(version);
    await bench.untilRow(id, (row) => row.mode === "canary");
    await until(
      async () => ledger.versionsSince(Date.now() - 500),
      (seen) => seen.has(version),
    );
    isBad = true;
    const began = Date.now();
    const done = await bench.untilRow(id, (row) => row.endedAt !== null);
    expect(done).toMatchObject({ state: "rolled_back", guard: "non_finite" });
    expect(Date.parse(done.endedAt ?? "") - began).toBeLessThan(ROLLBACK_MS);
    await new Promise((resolve) => setTimeout(resolve, ROLLBACK_MS));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect([...ledger.versionsSince(began + ROLLBACK_MS).keys()]).toEqual([champion]);
  });

  it.each([
    ["non_finite", 3, 100, { onnx: nanAtOneOnnx([2.001, 1], 1), slope: 2.001 }],
    ["disagreement or score_shift", 4, 100, { slope: -2 }],
  ])("is rolled back by its guard: %s", async (guard, number, perSecond, options) => {
    const champion = (await bench.db.registry.champion(MODEL))?.version ?? 0;
    ledger = bench.ledger();
    ledger.begin({ perSecond, rowOf: (n) => ({ voltage: n % 50, current: n % 5 }) });
    const version = await bench.approved({ version: number, ...options });
    const id = await bench.start(version);
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, 120_000);
    expect(done.state, done.reason ?? "").toBe("rolled_back");
    expect(guard.split(" or ")).toContain(done.guard);
    const endedAt = Date.parse(done.endedAt ?? "");
    await new Promise((resolve) => setTimeout(resolve, ROLLBACK_MS));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect([...ledger.versionsSince(endedAt + 2_000).keys()]).toEqual([champion]);
    expect((await bench.db.registry.champion(MODEL))?.version).toBe(champion);
    const alerts = await bench.db.alerts.list({ state: "open", limit: 10 });
    expect(alerts.some(({ message }) => message.includes(`[${done.guard}]`))).toBe(true);
  });

  it("stands still while it is paused, goes on, and ends when somebody aborts it", async () => {
    begin(50);
    const version = await bench.approved({ version: 6, slope: 2.002 });
    const id = await bench.start(version);
    const paused = await bench.post(`/v1/rollouts/${id}/pause`, { reason: "the night shift is short" });
    expect(paused).toMatchObject({ status: 200, body: { state: "paused", mode: "shadow" } });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await bench.row(id)).toMatchObject({ state: "paused", mode: "shadow" });
    expect((await bench.post(`/v1/rollouts/${id}/continue`, { reason: "they are back" })).status).toBe(200);
    await bench.untilRow(id, (row) => row.mode === "canary");
    expect((await bench.post(`/v1/rollouts/${id}/abort`, { reason: "not today", by: "ann" })).status).toBe(
      200,
    );
    const abortedAt = Date.now();
    expect(await bench.row(id)).toMatchObject({ state: "aborted", reason: "not today" });
    expect((await bench.db.rollouts.events(id)).at(-1)).toMatchObject({
      actor: "ann",
      authenticated: false,
    });
    expect((await bench.post(`/v1/rollouts/${id}/continue`, { reason: "after all" })).status).toBe(409);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect(ledger.versionsSince(abortedAt + 1_000).has(version)).toBe(false);
    // What waits for the rollout of a version must not take the one before its newest approval for it.
    const ofVersion = () => fetch(`${bench.apiUrl}/v1/models/${MODEL}/rollout?version=${version}`);
    expect(await (await ofVersion()).json()).toMatchObject({ id, state: "aborted" });
    const row = await bench.db.registry.version(MODEL, version);
    if (row === undefined) throw new Error("not registered");
    await approve(bench.db, row, { id: "again" });
    expect((await ofVersion()).status).toBe(404);
  });
});
