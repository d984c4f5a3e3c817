import type { GraphBuilder } from "./graph-builder.ts";

/** (x − mean) / scale, and 0 for a missing value: it counts as the mean. Returns the name of the tensor. */
export function addStandardised(
  graph: GraphBuilder,
  { means, scales }: { readonly means: readonly number[]; readonly scales: readonly number[] },
  features: string,
): string {
  const dims = [1, means.length];
  const centred = graph.node({
    op: "Sub",
    inputs: [features, graph.doubles(means, dims)],
    output: "centred",
  });
  const scaled = graph.node({
    op: "Div",
    inputs: [centred, graph.doubles(scales, dims)],
    output: "scaled",
  });
  const isMissing = graph.node({ op: "IsNaN", inputs: [scaled], output: "scaled_missing" });
  return graph.node({
    op: "Where",
    inputs: [isMissing, graph.doubles([0], []), scaled],
    output: "filled",
  });
}
