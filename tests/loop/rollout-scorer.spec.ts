import { afterAll, beforeAll, expect, it } from "vitest";
import { isInShare } from "../../api/serving/rollout/sticky-share.ts";
import { sealView } from "../../features/feature-view.ts";
import { rolloutPlan, rolloutSchema } from "../../schemas/pipeline/rollout.ts";
import type { AssetScore } from "../../stores/postgres/port/online.ts";
import type { RunningScorer } from "../../workers/start-scorer.ts";
import { until } from "../adapters/support/until.ts";
import type { ApiFixture } from "../support/api-fixture.ts";
import { approveVersion } from "../support/champions.ts";
import { openOnlineBench } from "../support/online-bench.ts";
import type { OnlineBench } from "../support/online-bench.ts";
import { describeWithServices } from "../support/platform.ts";
import { auditOf } from "../support/registry-samples.ts";
import { putTinyVersion, tinyView } from "../support/served-versions.ts";
import type { TinyVersionOptions } from "../support/served-versions.ts";

const ASSETS = Array.from({ length: 40 }, (_, i) => `p${i}`);
const PLAN = rolloutPlan(rolloutSchema.parse({ shadow: false, steps: [{ share: 50, bake: "1h" }] }), false);

await describeWithServices("a scorer while a version is rolled out", () => {
  let bench: OnlineBench;
  let api: ApiFixture;
  let scorer: RunningScorer;
  beforeAll(async () => {
    bench = await openOnlineBench("rollscore");
    api = await bench.startApi();
    scorer = await bench.startScorer({ AURA_SCORE_EVERY: "100ms" });
  });
  afterAll(async () => {
    await scorer.close();
    await api.close();
    await bench.close();
  });

  let seconds = 0;
  const began = Date.now() - 3_600_000;
  /** One reading of every asset. @returns its time in microseconds */
  const sendRound = async (): Promise<number> => {
    seconds++;
    const values = ASSETS.map((asset, i) => [asset, { voltage: seconds, current: 100 + i }] as const);
    await bench.sendAll(new Map(values), began + seconds * 1_000);
    return (began + seconds * 1_000) * 1_000;
  };
  const scoresOf = (ts: number): Promise<AssetScore[]> =>
    until(
      () => bench.db.online.scores({ model: "pump", limit: 1_000 }),
      (rows) => rows.length === ASSETS.length && rows.every((row) => row.ts === ts),
      30_000,
    );
  const open = async (options: TinyVersionOptions & { readonly version: number }) => {
    const row = await putTinyVersion(bench.objects, { model: "pump", timeKind: "timestamp", ...options });
    const { registered, approvalId } = await approveVersion(bench.db, row);
    const { version, digest } = registered;
    const id = `pump.${version}`;
    await bench.db.rollouts.open(
      {
        id,
        model: "pump",
        version,
        digest,
        approvalId,
        workflowId: "none",
        runId: null,
        plan: PLAN,
        requestedBy: "ada",
        requesterAuthenticated: false,
      },
      auditOf("rollout.open"),
    );
    return { id, version };
  };
  /** Sends readings until the scorer has taken notice of the rollout, and gives the scores of the last round. */
  const scoresWith = async (version: number): Promise<AssetScore[]> => {
    for (let round = 0; round < 20; round++) {
      const scores = await scoresOf(await sendRound());
      if (scores.some((score) => score.version === version)) return scoresOf(await sendRound());
    }
    throw new Error(`version ${version} scores nothing`);
  };
  const isOf = (id: string, asset: string): boolean => isInShare(id, asset, 50);

  it("scores the assets of the share by the new version, and all by the champion after an abort", async () => {
    const { id, version } = await open({ version: 2, slope: 3 });
    const scores = await scoresWith(version);
    for (const { asset, version: by, headline } of scores) {
      const [slope, expected] = isOf(id, asset) ? [3, version] : [2, 1];
      expect(by, asset).toBe(expected);
      expect(headline, asset).toBe(slope * seconds + 100 + ASSETS.indexOf(asset) + 1);
    }
    expect(scores.some(({ asset }) => isOf(id, asset))).toBe(true);
    const stats = await until(
      () => bench.db.rollouts.stats(id, 0),
      (all) => all.some(({ counts }) => counts.pairs > 0),
    );
    expect(stats.flatMap(({ counts }) => Object.keys(counts.candidate.errors))).toEqual([]);
    await bench.db.rollouts.change(id, { kind: "aborted", reason: "enough" }, auditOf("rollout.abort"));
    await until(
      async () => scoresOf(await sendRound()),
      (rows) => rows.every((row) => row.version === 1),
    );
  });

  it("keeps up other features for the new version, and answers for one asset by them", async () => {
    const { hash: _hash, ...plain } = tinyView("timestamp");
    const [voltage, current] = plain.features;
    if (voltage === undefined || current === undefined) throw new Error("no features");
    // The same columns the other way round: value = 3 · current + voltage + 1.
    const features = [
      { ...current, physical: "f0" },
      { ...voltage, physical: "f1" },
    ];
    const { id, version } = await open({ version: 3, slope: 3, view: sealView({ ...plain, features }) });
    const scores = await scoresWith(version);
    for (const { asset, version: by, headline } of scores) {
      const other = 100 + ASSETS.indexOf(asset);
      const [expected, value] = isOf(id, asset)
        ? [version, 3 * other + seconds + 1]
        : [1, 2 * seconds + other + 1];
      expect(by, asset).toBe(expected);
      expect(headline, asset).toBe(value);
    }
    for (const asset of ASSETS.slice(0, 8)) {
      const reply = await until(
        async () => {
          const response = await api.request("/predict", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ model: "pump", asset }),
          });
          return (await response.json()) as { version: number; predictions: { value: number }[] };
        },
        ({ version: by }) => by === (isOf(id, asset) ? version : 1),
        10_000,
      );
      const score = scores.find((one) => one.asset === asset);
      expect(reply.predictions[0]?.value).toBe(score?.headline);
    }
  });
});
