import { expect, it } from "vitest";
import { columnsOfFeatures } from "./feature-columns.ts";
import { manifestOf, pipelineOf } from "./support/test-dataset.ts";
import { compileView } from "./view.ts";

it("names the columns of each feature, through expressions, regimes and other features", () => {
  const sources = {
    readings: {
      columns: ["x", "y", "speed"].map((name) => ({ name, type: "float" as const })),
      rows: [],
    },
  };
  const view = compileView(
    pipelineOf(sources, {
      regimes: { columns: ["speed"], count: 2, normalize: ["y"] },
      features: [
        { expression: { name: "ratio", formula: "x / y" } },
        { current: { columns: ["x"] } },
        { rolling: { columns: ["ratio"], stats: ["mean"], windows: [3] } },
        { correlation: { pairs: [["x", "y"]], windows: [5] } },
        { expression: { name: "gap", formula: "ratio_mean_3 - x" } },
        { age: {} },
      ],
    }),
    manifestOf(sources),
  );
  const columns = columnsOfFeatures(view);
  const named = Object.fromEntries(
    view.features.map(({ name }, i) => [name, [...(columns[i] ?? [])].toSorted()]),
  );
  expect(named).toMatchObject({
    x: ["x"],
    ratio_mean_3: ["speed", "x", "y"],
    x_y_corr_5: ["speed", "x", "y"],
    gap: ["speed", "x", "y"],
    age: [],
  });
});
