import type { PcaMonitorModel } from "../model.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { addStandardised } from "./standardised-nodes.ts";

/** T² / t2Limit + Q / qLimit of the rows: two products with the loadings, sums over columns by MatMul. */
export function addMonitor(graph: GraphBuilder, model: PcaMonitorModel, features: string): string {
  const { nFeatures, loadings, variances, t2Limit, qLimit } = model;
  const nComponents = variances.length;
  const z = addStandardised(graph, model, features);
  const scores = graph.node({
    op: "MatMul",
    inputs: [z, graph.doubles(loadings, [nFeatures, nComponents])],
    output: "scores",
  });
  const transposed = Array.from(
    { length: nComponents * nFeatures },
    (_, index) => loadings[(index % nFeatures) * nComponents + Math.floor(index / nFeatures)],
  );
  const shown = graph.node({
    op: "MatMul",
    inputs: [scores, graph.doubles(transposed, [nComponents, nFeatures])],
    output: "shown",
  });
  const rest = graph.node({ op: "Sub", inputs: [z, shown], output: "rest" });
  const inside = addWeightedSquares(graph, scores, {
    weights: variances.map((variance) => 1 / (variance * t2Limit)),
    output: "inside",
  });
  const outside = addWeightedSquares(graph, rest, {
    weights: Array.from({ length: nFeatures }, () => 1 / qLimit),
    output: "outside",
  });
  return graph.node({ op: "Add", inputs: [inside, outside], output: "raw" });
}

/** Σ_j weight_j · v_j² */
function addWeightedSquares(
  graph: GraphBuilder,
  values: string,
  { weights, output }: { readonly weights: readonly number[]; readonly output: string },
): string {
  const squares = graph.node({ op: "Mul", inputs: [values, values], output: `${output}_squares` });
  const column = graph.doubles(weights, [weights.length, 1]);
  return graph.node({ op: "MatMul", inputs: [squares, column], output });
}
