import { expect, it } from "vitest";
import { freezeReference } from "../../numerics/drift/reference.ts";
import { monitoringSchema } from "../../schemas/pipeline/monitoring.ts";
import { compareWindow } from "./compare-window.ts";
import { driftOptions } from "./drift-options.ts";

const KNOWN = ["axial", "radial"];
const N = 600;

/** A hash of a row's number in [0, 101). */
const spread = (i: number): number => (i * 7_919) % 101;

/** A check of traces in which the first so many rows are of a category that training has not seen. */
function checked({
  unseen = 0,
  frozen = spread,
  live = frozen,
}: {
  readonly unseen?: number;
  readonly frozen?: (i: number) => number;
  readonly live?: (i: number) => number;
}) {
  const values = Array.from({ length: 5_000 }, (_, i) => KNOWN[i % 2] ?? null);
  const reference = freezeReference([
    { name: "type", kind: "categorical", values },
    {
      name: "→ score",
      role: "score",
      kind: "numeric",
      values: Float64Array.from(values, (_, i) => frozen(i)),
    },
  ]);
  const scores = Float64Array.from({ length: N }, (_, i) => live(i));
  const report = compareWindow(
    {
      reference,
      window: {
        nRows: N,
        nFeatures: 1,
        features: Float64Array.from({ length: N }, (_, i) => (i < unseen ? Number.NaN : i % 2)),
        outputs: scores,
        nOutputs: 1,
        assets: Array.from({ length: N }, (_, i) => `a${i}`),
      },
      scores,
      categories: { type: KNOWN },
      scoreTexts: [],
      options: driftOptions(monitoringSchema.parse({}), 200_000),
    },
    {},
  );
  return report.features;
}

it("finds a new category in traces, where it stands as a missing value", () => {
  expect(checked({})[0]?.state).toBe("ok");
  expect(checked({ unseen: 30 })[0]).toMatchObject({ name: "type", state: "drift", check: "categories" });
});

it("finds nothing where the graph's answers are the trainer's but for what parity allows", () => {
  // Most machines are healthy and have the lowest answer there is, or the highest.
  for (const sign of [1, -1])
    for (const off of [3e-8, -3e-8]) {
      const frozen = (i: number) => sign * (0.004 + Math.max(0, spread(i) - 84) / 20);
      const [, score] = checked({ frozen, live: (i) => frozen(i) * (1 + off) });
      expect(score, `${sign} ${off}`).toMatchObject({ name: "→ score", state: "ok" });
    }
});
