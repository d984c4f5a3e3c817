import { expect, it } from "vitest";
import { freezeReference } from "../../numerics/drift/reference.ts";
import { monitoringSchema } from "../../schemas/pipeline/monitoring.ts";
import { compareWindow } from "./compare-window.ts";
import { driftOptions } from "./drift-options.ts";

const KNOWN = ["axial", "radial"];
const N = 600;

/** A check of traces in which the first so many rows are of a category that training has not seen. */
function checked(unseen: number) {
  const values = Array.from({ length: 5_000 }, (_, i) => KNOWN[i % 2] ?? null);
  const scored = (n: number) => Float64Array.from({ length: n }, (_, i) => (i * 7_919) % 101);
  const reference = freezeReference([
    { name: "type", kind: "categorical", values },
    { name: "→ score", role: "score", kind: "numeric", values: scored(5_000) },
  ]);
  return compareWindow(
    {
      reference,
      window: {
        nRows: N,
        nFeatures: 1,
        features: Float64Array.from({ length: N }, (_, i) => (i < unseen ? Number.NaN : i % 2)),
        outputs: scored(N),
        nOutputs: 1,
        assets: Array.from({ length: N }, (_, i) => `a${i}`),
      },
      scores: scored(N),
      categories: { type: KNOWN },
      scoreTexts: [],
      options: driftOptions(monitoringSchema.parse({}), 200_000),
    },
    {},
  ).features[0];
}

it("finds a new category in traces, where it stands as a missing value", () => {
  expect(checked(0)?.state).toBe("ok");
  expect(checked(30)).toMatchObject({ name: "type", state: "drift", check: "categories" });
});
