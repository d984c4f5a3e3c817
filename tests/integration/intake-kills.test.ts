import { expect, it } from "vitest";
import { runIntakeCase } from "../faults/intake/run-intake-case.ts";
import { describeWithServices } from "../support/platform.ts";

/** The short form of `npm run test:intake`. */
await describeWithServices("readings while API and PostgreSQL are killed", () => {
  it("stores what it acknowledged, once", { timeout: 120_000 }, async () => {
    const { violations, nAcknowledged, nApiStarts } = await runIntakeCase({
      seed: 7,
      kills: 1,
      parts: ["api", "postgres"],
      isPatient: false,
    });
    expect(violations).toEqual([]);
    expect(nAcknowledged).toBeGreaterThan(0);
    expect(nApiStarts).toBe(2);
  });
});
