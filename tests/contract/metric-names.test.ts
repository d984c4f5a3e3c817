import { expect, it } from "vitest";
import { METRICS } from "../../numerics/metrics/metric-table.ts";
import { METRIC_NAMES } from "../../schemas/pipeline/checks/metric-names.ts";

it("the pipeline file knows exactly the metrics of the metric table", () => {
  const of = (...tasks: string[]): string[] =>
    METRICS.filter((m) => m.tasks.some((t) => tasks.includes(t)))
      .map((m) => m.key)
      .sort();
  expect([...METRIC_NAMES.regression].sort()).toEqual(of("regression", "rul"));
  expect([...METRIC_NAMES.binary].sort()).toEqual(of("binary"));
  expect([...METRIC_NAMES.multiclass].sort()).toEqual(of("multiclass"));
  expect([...METRIC_NAMES.forecast].sort()).toEqual(of("forecast"));
});
