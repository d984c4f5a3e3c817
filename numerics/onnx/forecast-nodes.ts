import type { ForecastRule } from "../forecast/forecast-rule.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/** The rule of `applyForecast` as nodes: the value now and the offsets are added, then each horizon is sorted. */
export function addForecast(
  graph: GraphBuilder,
  raw: string,
  { rule, features }: { readonly rule: ForecastRule; readonly features: string },
): string {
  const { offsets, anchor } = rule;
  const column = gather(graph, features, [anchor.column], "anchor_column");
  const isMissing = graph.node({ op: "IsNaN", inputs: [column], output: "anchor_missing" });
  const now = graph.node({
    op: "Where",
    inputs: [isMissing, graph.doubles([anchor.missing], []), column],
    output: "anchor",
  });
  const moved = graph.node({
    op: "Add",
    inputs: [raw, graph.doubles(offsets, [1, offsets.length])],
    output: "moved",
  });
  const level = graph.node({ op: "Add", inputs: [moved, now], output: "level" });
  return addSort(graph, level, rule);
}

/**
 * Odd-even transposition: in each of nQuantiles rounds neighbours change places where they stand wrong, in all horizons at
 * once. Min and Max give one of their two arguments, so that the answer is the same in any batch; TopK was not used, as it
 * is another code path for one row than for many.
 */
function addSort(graph: GraphBuilder, values: string, { nQuantiles, offsets }: ForecastRule): string {
  const nOutputs = offsets.length;
  let sorted = values;
  for (let round = 0; round < nQuantiles && nQuantiles > 1; round++) {
    const partners = Array.from({ length: nOutputs }, (_, k) => partnerOf(k, round, nQuantiles));
    const current = sorted;
    sorted = graph.within(`sort${round}`, () => {
      const partner = gather(graph, current, partners, "partner");
      const low = graph.node({ op: "Min", inputs: [current, partner], output: "low" });
      const high = graph.node({ op: "Max", inputs: [current, partner], output: "high" });
      const both = graph.node({
        op: "Concat",
        inputs: [low, high],
        output: "both",
        attributes: { axis: { kind: "int", value: 1 } },
      });
      const places = partners.map((other, k) => (k <= other ? k : nOutputs + k));
      return gather(graph, both, places, "ordered");
    });
  }
  return sorted;
}

/** The output that output k is compared with in a round: a neighbour of its horizon, or itself at an end. */
function partnerOf(k: number, round: number, nQuantiles: number): number {
  const q = k % nQuantiles;
  const other = (q + round) % 2 === 0 ? q + 1 : q - 1;
  return other < 0 || other >= nQuantiles ? k : k - q + other;
}

function gather(graph: GraphBuilder, values: string, columns: readonly number[], output: string): string {
  return graph.node({
    op: "Gather",
    inputs: [values, graph.integers(columns)],
    output,
    attributes: { axis: { kind: "int", value: 1 } },
  });
}
