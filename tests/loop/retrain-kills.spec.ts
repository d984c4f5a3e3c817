import { beforeAll, expect, it } from "vitest";
import type { PartName } from "../faults/faulty-platform.ts";
import { runCase } from "../faults/run-case.ts";
import type { CaseResult } from "../faults/run-case.ts";
import type { Kill } from "../faults/schedule.ts";
import { describeWithServices } from "../support/platform.ts";

/**
 * `kill -9` of all parts at each stage of a retrain: it must end as an undisturbed one. `npm run test:faults` deals every pair of a
 * boundary and a part over 20 lives; these are the ones of retraining, in one life.
 */

/** Each kill costs seconds, on a busy machine more. */
const CASE_MS = 600_000;

const at = (part: PartName, boundary: string, delayMs = 0): Kill => ({ part, at: { boundary }, delayMs });

/** Progress needs all parts, so each is back before the next stage. */
const KILLS: readonly Kill[] = [
  at("worker", "drift retrainDue#1 scheduled", 5),
  at("postgres", "drift retrainDue#1 completed"),
  at("temporal", "drift beginRetrain#1 scheduled", 5),
  at("worker", "drift extractLive#1 scheduled"),
  at("postgres", "drift prepareRetrain#1 scheduled", 5),
  at("worker", "again ingestDataset#1 scheduled", 20),
  at("temporal", "again trainFinal#1 scheduled", 10),
  at("worker", "again checkEnvelope#1 scheduled", 5),
  at("postgres", "again checkGates#1 scheduled", 5),
  at("api", "again openApproval#1 completed"),
  at("worker", "again promoteVersion#1 scheduled", 10),
  at("temporal", "again finishRun#1 scheduled", 5),
  at("postgres", "drift finishRetrain#1 scheduled", 5),
  at("worker", "drift finishRetrain#1 completed"),
];

await describeWithServices("a retrain on a platform whose parts are killed", () => {
  let undisturbed: CaseResult;

  beforeAll(async () => {
    undisturbed = await runCase({ kills: [] });
  }, CASE_MS);

  it("has every stage that is disturbed", () => {
    expect(undisturbed.violations).toEqual([]);
    const names = new Set(undisturbed.boundaries.map(({ name }) => name));
    const stages = KILLS.flatMap(({ at: instant }) => ("boundary" in instant ? [instant.boundary] : []));
    expect(stages.filter((stage) => !names.has(stage))).toEqual([]);
  });

  it(
    "ends as an undisturbed one",
    async () => {
      const { outcome } = undisturbed;
      if (outcome === undefined) throw new Error("the undisturbed life has no outcome");
      const { violations, missed, restarts } = await runCase({ kills: KILLS, expected: outcome });
      expect(violations).toEqual([]);
      expect(missed).toEqual([]);
      expect(restarts).toBeGreaterThanOrEqual(KILLS.length);
    },
    CASE_MS,
  );
});
