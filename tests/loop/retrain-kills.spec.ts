import { beforeAll, expect, it } from "vitest";
import type { PartName } from "../faults/faulty-platform.ts";
import { runCase } from "../faults/run-case.ts";
import type { CaseResult } from "../faults/run-case.ts";
import type { Kill } from "../faults/schedule.ts";
import { describeWithServices } from "../support/platform.ts";

/**
 * `kill -9` of all parts at once at each stage of a retrain: it must end as an undisturbed one. `npm run test:faults` deals every
 * pair of a boundary and a part over 20 lives; this is one life that loses its whole platform again and again.
 */

/** Each kill costs seconds, on a busy machine more. */
const CASE_MS = 600_000;

const PARTS: readonly PartName[] = ["worker", "api", "temporal", "postgres"];

/** An instant within each stage. Progress needs all parts but the API, so each of them is back before the next stage. */
const STAGES: readonly (readonly [boundary: string, delayMs: number])[] = [
  ["drift retrainDue#1 scheduled", 5],
  ["drift extractLive#1 scheduled", 5],
  ["drift prepareRetrain#1 scheduled", 5],
  ["again ingestDataset#1 scheduled", 20],
  ["again trainFinal#1 scheduled", 10],
  ["again openApproval#1 completed", 0],
  ["again promoteVersion#1 scheduled", 10],
  ["drift finishRetrain#1 scheduled", 5],
];
const KILLS: readonly Kill[] = STAGES.flatMap(([boundary, delayMs]) =>
  PARTS.map((part) => ({ part, at: { boundary }, delayMs })),
);

await describeWithServices("a retrain on a platform that is killed whole", () => {
  let undisturbed: CaseResult;

  beforeAll(async () => {
    undisturbed = await runCase({ kills: [], until: "retrain" });
  }, CASE_MS);

  it("has every stage that is disturbed", () => {
    expect(undisturbed.violations).toEqual([]);
    const names = new Set(undisturbed.boundaries.map(({ name }) => name));
    expect(STAGES.map(([stage]) => stage).filter((stage) => !names.has(stage))).toEqual([]);
  });

  it(
    "ends as an undisturbed one",
    async () => {
      const { outcome } = undisturbed;
      if (outcome === undefined) throw new Error("the undisturbed life has no outcome");
      const { violations, missed, restarts } = await runCase({
        kills: KILLS,
        expected: outcome,
        until: "retrain",
      });
      expect(violations).toEqual([]);
      // A retrain goes on before the API is back: it may be killed once more while it starts.
      expect(missed.filter(({ part }) => part !== "api")).toEqual([]);
      expect(restarts).toBeGreaterThanOrEqual(KILLS.length - missed.length);
    },
    CASE_MS,
  );
});
