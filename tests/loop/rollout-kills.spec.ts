import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isInShare } from "../../api/serving/rollout/sticky-share.ts";
import { until } from "../adapters/support/until.ts";
import { LiveReadings } from "./support/live-readings.ts";
import { MODEL, openRolloutBench } from "./support/rollout-bench.ts";
import type { RolloutBench } from "./support/rollout-bench.ts";

/** Long enough that every part is back before a stage ends. */
const SHARE = 40;
const SLOW = `{shadow: {bake: 12s}, steps: [{share: ${SHARE}, bake: 12s}], minRows: 20, guards: {latency: false}}`;
const PARTS = ["worker", "api", "temporal", "postgres", "scorer"] as const;

describe("a rollout whose parts are killed", () => {
  let bench: RolloutBench;
  beforeAll(async () => {
    bench = await openRolloutBench({
      rollout: SLOW,
      parts: PARTS,
      environment: { AURA_SCORE_EVERY: "100ms" },
      versions: { timeKind: "timestamp" },
    });
  });
  afterAll(async () => {
    await bench.close();
  });

  /** Waits until the newest reading of every asset is answered, by the version that its asset is for. */
  const untilScored = (live: LiveReadings, of: (asset: string) => { version: number; slope: number }) =>
    until(
      () => bench.db.online.scores({ model: MODEL, limit: 1_000 }),
      (scores) =>
        scores.length === live.assets.length &&
        scores.every(({ asset, version, ts, values, headline }) => {
          const due = of(asset);
          const [voltage = NaN, current = NaN] = values;
          const answer = due.slope * voltage + current + 1;
          return version === due.version && headline === answer && live.newest - ts < 2_000_000;
        }),
      30_000,
    );

  it("ends as an undisturbed one, with every request and reading answered by one version", async () => {
    const live = new LiveReadings(bench.apiUrl);
    await live.begin();
    const ledger = bench.ledger();
    ledger.begin({
      perSecond: 40,
      rowOf: (n) => ({ voltage: n % 50, current: (n % 7) / 2 }),
      isPatient: true,
    });
    const version = await bench.approved({ version: 2, slope: 2.001 });
    const id = await bench.start(version);
    await bench.kill(...PARTS);
    const after = await bench.row(id);
    expect(after).toMatchObject({ endedAt: null, mode: "shadow" });
    await bench.untilRow(id, (row) => row.mode === "canary");
    await bench.kill(...PARTS);
    await untilScored(live, (asset) =>
      isInShare(id, asset, SHARE) ? { version, slope: 2.001 } : { version: 1, slope: 2 },
    );
    const done = await bench.untilRow(id, (row) => row.endedAt !== null, 120_000);
    expect(done, done.reason ?? "").toMatchObject({ state: "promoted", guard: null });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    await live.stop();
    await untilScored(live, () => ({ version, slope: 2.001 }));
    const slopes = new Map([
      [1, 2],
      [version, 2.001],
    ]);
    for (const { version: by } of ledger.entries) expect(slopes.has(by)).toBe(true);
    const history = await bench.db.registry.history(MODEL);
    const champions = history.filter(({ alias }) => alias === "champion").map((event) => event.version);
    expect(champions).toEqual([1, version]);
    const kinds = (await bench.db.rollouts.events(id)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== "prolonged")).toEqual([
      "opened",
      "advanced",
      "promoting",
      "promoted",
    ]);
    expect((await bench.db.audit.verify()).ok).toBe(true);
  });

  it("is aborted while neither worker nor Temporal is there to hear of it", async () => {
    const ledger = bench.ledger();
    ledger.begin({ perSecond: 40, rowOf: (n) => ({ voltage: n % 50, current: (n % 7) / 2 }) });
    const version = await bench.approved({ version: 3, slope: 2.002 });
    const id = await bench.start(version);
    await bench.untilRow(id, (row) => row.mode === "canary");
    const killing = bench.kill("worker", "temporal");
    const aborted = await bench.post(`/v1/rollouts/${id}/abort`, { reason: "now" });
    const abortedAt = Date.now();
    expect(aborted.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await killing;
    await ledger.stop();
    expect(ledger.failed).toEqual([]);
    expect(ledger.versionsSince(abortedAt + 1_500).has(version)).toBe(false);
    expect((await bench.row(id)).state).toBe("aborted");
  });
});
