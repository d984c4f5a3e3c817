import { afterAll, beforeAll, expect, it } from "vitest";
import type { PartName } from "../faults/faulty-platform.ts";
import { runCase } from "../faults/run-case.ts";
import type { CaseResult } from "../faults/run-case.ts";
import type { Kill } from "../faults/schedule.ts";
import { describeWithServices } from "../support/platform.ts";

/** The short form of `npm run test:faults`: the kills that once mattered most. Its `--prove` shows that the harness sees. */

const CASE_MS = 240_000;

const at = (part: PartName, boundary: string, delayMs = 0): Kill => ({ part, at: { boundary }, delayMs });

/** Each workflow meets at least one of the parts; far enough from each other that the part is back. */
const KILLS: readonly Kill[] = [
  at("temporal", "run trainFold#3 scheduled", 10),
  at("postgres", "run registerVersion#1 scheduled", 5),
  at("api", "run openApproval#1 scheduled"),
  at("worker", "run promoteVersion#1 scheduled", 10),
  at("postgres", "drift checkDrift#1 scheduled", 5),
  at("temporal", "drift prepareRetrain#1 scheduled", 5),
  at("api", "rollback promoteVersion#1 scheduled"),
  at("postgres", "score scoreFleet#1 scheduled", 5),
];

await describeWithServices("a platform whose parts are killed", () => {
  let undisturbed: CaseResult;

  beforeAll(async () => {
    undisturbed = await runCase({ kills: [] });
  }, CASE_MS);
  afterAll(() => expect(undisturbed.violations).toEqual([]));

  const disturbed = (kills: readonly Kill[]) => {
    const { outcome } = undisturbed;
    if (outcome === undefined) throw new Error(`undisturbed run: ${undisturbed.violations.join("; ")}`);
    return runCase({ kills, expected: outcome });
  };

  it(
    "ends as an undisturbed one",
    async () => {
      const { violations, missed, restarts } = await disturbed(KILLS);
      expect(violations).toEqual([]);
      expect(missed).toEqual([]);
      expect(restarts).toBeGreaterThanOrEqual(KILLS.length);
    },
    CASE_MS,
  );
});
