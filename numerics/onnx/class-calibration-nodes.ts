import { FLOOR } from "../calibration/class-lines.ts";
import type { ClassLines } from "../calibration/class-lines.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { addColumns, addPadding } from "./column-nodes.ts";

/** slope_k · ln(p_k + FLOOR) + intercept_k: what a softmax then turns into the answer. */
export function addClassLines(
  graph: GraphBuilder,
  probabilities: string,
  { slopes, intercepts }: ClassLines,
): string {
  const nClasses = slopes.length;
  const floor = graph.doubles([FLOOR], []);
  const lifted = graph.node({ op: "Add", inputs: [probabilities, floor], output: "lifted" });
  // Log has vector code for whole packets, as Exp has.
  const padded = addPadding(graph, lifted, nClasses);
  const logs = graph.node({ op: "Log", inputs: [padded], output: "logs" });
  const columns = Array.from({ length: nClasses }, (_, k) => k);
  const own = addColumns(graph, logs, { columns, output: "class_logs" });
  const factors = graph.doubles(slopes, [1, nClasses]);
  const sloped = graph.node({ op: "Mul", inputs: [own, factors], output: "sloped" });
  const offsets = graph.doubles(intercepts, [1, nClasses]);
  return graph.node({ op: "Add", inputs: [sloped, offsets], output: "lines" });
}
