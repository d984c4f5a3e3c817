import type { GraphBuilder } from "./graph-builder.ts";

/** Widest packet of doubles there is (512 bits). */
const PACKET_WIDTH = 8;

export function paddedWidth(nColumns: number): number {
  return Math.ceil(nColumns / PACKET_WIDTH) * PACKET_WIDTH;
}

/** Repeats columns up to whole packets. */
export function addPadding(graph: GraphBuilder, values: string, nColumns: number): string {
  const columns = Array.from({ length: paddedWidth(nColumns) }, (_, k) => k % nColumns);
  return addColumns(graph, values, { columns, output: "padded" });
}

/** The named columns, in that order. */
export function addColumns(
  graph: GraphBuilder,
  values: string,
  { columns, output }: { readonly columns: readonly number[]; readonly output: string },
): string {
  return graph.node({
    op: "Gather",
    inputs: [values, graph.integers(columns)],
    output,
    attributes: { axis: { kind: "int", value: 1 } },
  });
}
