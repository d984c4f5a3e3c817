import { afterAll, beforeAll, expect, it } from "vitest";
import type { PartName } from "../faults/faulty-platform.ts";
import { hasDoublePromotion, KEYLESS_WORKER } from "../faults/proof.ts";
import { runCase } from "../faults/run-case.ts";
import type { CaseResult } from "../faults/run-case.ts";
import type { Kill } from "../faults/schedule.ts";
import { describeWithServices } from "../support/platform.ts";

/** The short form of `npm run test:faults`: the kills that once mattered most, and the proof of the harness. */

const CASE_MS = 120_000;

const at = (part: PartName, boundary: string, delayMs = 0): Kill => ({ part, at: { boundary }, delayMs });

const CASES: readonly [string, readonly Kill[]][] = [
  [
    "the worker while it trains, PostgreSQL while it registers",
    [at("worker", "trainFold#3 scheduled", 10), at("postgres", "registerVersion#1 scheduled", 5)],
  ],
  [
    "API and Temporal around the approval, worker and PostgreSQL around the promotion",
    [
      at("api", "openApproval#1 scheduled"),
      at("temporal", "openApproval#1 completed"),
      at("worker", "promoteVersion#1 scheduled", 10),
      at("postgres", "promoteVersion#1 completed"),
    ],
  ],
];

await describeWithServices("a run whose platform is killed", () => {
  let undisturbed: CaseResult;

  beforeAll(async () => {
    undisturbed = await runCase({ kills: [] });
  }, CASE_MS);
  afterAll(() => expect(undisturbed.violations).toEqual([]));

  const disturbed = (kills: readonly Kill[], workerEntry?: string) => {
    const { outcome } = undisturbed;
    if (outcome === undefined) throw new Error(`undisturbed run: ${undisturbed.violations.join("; ")}`);
    return runCase({ kills, expected: outcome, ...(workerEntry === undefined ? {} : { workerEntry }) });
  };

  it.each(CASES)(
    "ends as an undisturbed one: %s",
    async (_name, kills) => {
      const { violations, missed, restarts } = await disturbed(kills);
      expect(violations).toEqual([]);
      expect(missed).toEqual([]);
      expect(restarts).toBeGreaterThanOrEqual(kills.length);
    },
    CASE_MS,
  );

  it(
    "is found out where an idempotency key is missing",
    async () => {
      expect(await disturbed([], KEYLESS_WORKER)).toSatisfy(hasDoublePromotion);
    },
    CASE_MS,
  );
});
