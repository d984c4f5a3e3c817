import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OnlineFeatures } from "../../schemas/live/online-features.ts";
import type { ApiFixture } from "../support/api-fixture.ts";
import { openOnlineBench } from "../support/online-bench.ts";
import type { OnlineBench } from "../support/online-bench.ts";
import { describeWithServices } from "../support/platform.ts";
import { until } from "./support/until.ts";

const ENTRY = join(import.meta.dirname, "../../dist/workers/scorer.js");
const ASSETS = Array.from({ length: 60 }, (_, i) => `p${i}`);
const KILLS = 3;
const ROUNDS_PER_KILL = 30;
/** Leases hold for 3 s, are looked at every 0.75 s, and a rebuild takes no time to speak of. */
const TAKEOVER_MS = 10_000;

await describeWithServices("scorers that are killed", () => {
  let bench: OnlineBench;
  let api: ApiFixture;
  const scorers: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const env = { ...process.env, ...bench.environment, AURA_SCORE_EVERY: "100ms", AURA_LOG_LEVEL: "warn" };
    const scorer = fork(ENTRY, { stdio: "ignore", env });
    scorers.push(scorer);
    return scorer;
  };
  beforeAll(async () => {
    bench = await openOnlineBench("scorers");
    api = await bench.startApi();
  });
  afterAll(async () => {
    for (const scorer of scorers) scorer.kill("SIGKILL");
    await api.close();
    await bench.close();
  });

  const owners = async () => {
    const all = await bench.db.online.owners();
    return { shards: all.length, scorers: new Set(all.map(({ scorerId }) => scorerId)).size };
  };

  it("share the assets, and the others take over what a killed one had, with nothing passed over", async () => {
    let running = [start(), start()];
    await until(owners, (now) => now.shards === 64 && now.scorers === 2);
    const began = Date.now() - 3_600_000;
    const takeovers: number[] = [];
    let round = 0;
    const sendRound = () => {
      round++;
      const values = ASSETS.map((asset, i) => [asset, { voltage: round, current: i }] as const);
      return bench.sendAll(new Map(values), began + round * 1_000);
    };
    for (let kill = 0; kill < KILLS; kill++) {
      for (let i = 0; i < ROUNDS_PER_KILL; i++) {
        await sendRound();
        if (i !== ROUNDS_PER_KILL >> 1) continue;
        const victim = running[kill % 2] as ChildProcess;
        const before = new Map(
          (await bench.db.online.owners()).map((owner) => [owner.shard, owner.scorerId]),
        );
        const killedAt = performance.now();
        victim.kill("SIGKILL");
        // The readings that follow come while nobody owns some of the assets.
        const others = bench.db.online.owners.bind(bench.db.online);
        const lost = new Set<string>(before.values());
        void until(
          others,
          (now) => now.length === 64 && new Set(now.map((o) => o.scorerId)).size < lost.size,
          30_000,
        )
          .then(() => takeovers.push(performance.now() - killedAt))
          .catch(() => takeovers.push(Infinity));
      }
      await until(
        async () => takeovers.length,
        (n) => n > kill,
      );
      running = running.filter((scorer) => scorer.signalCode === null && scorer.exitCode === null);
      running.splice(kill % 2, 0, start());
      await until(owners, (now) => now.shards === 64 && now.scorers === 2);
    }
    const last = (began + round * 1_000) * 1_000;
    const scores = () => bench.db.online.scores({ model: "pump", limit: 1_000 });
    await until(
      scores,
      (rows) => rows.length === ASSETS.length && rows.every(({ ts }) => ts === last),
      30_000,
    );
    for (const { asset, headline } of await scores())
      expect(headline, asset).toBe(2 * round + ASSETS.indexOf(asset) + 1);
    for (const asset of ASSETS) {
      const response = await api.request(`/v1/features/${asset}?model=pump`);
      const { features } = (await response.json()) as OnlineFeatures;
      expect(features.map(({ value }) => value)).toEqual([round, ASSETS.indexOf(asset)]);
    }
    for (const ms of takeovers) expect(ms).toBeLessThan(TAKEOVER_MS);
  });
});
