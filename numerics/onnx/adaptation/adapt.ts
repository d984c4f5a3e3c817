/**
 * Brings a graph from elsewhere into the form that is served: one input `features` double [N, n], one output of the
 * task's name, double.
 *
 *   features ─ Cast ─ Reshape ─→ (its own input) … its own graph … (its own output) ─ Flatten ─ Gather ─ Cast ─→ probability
 *
 * Of these only the casts are always there. A graph with an input for each column gets a Gather for each.
 *
 * Converters for scikit-learn, LightGBM or PyTorch write float32 inputs under names of their own, probabilities of all
 * classes as a map for each row, and labels of text beside them; without this, each of their users would have to edit
 * protobuf. Nodes that the answer does not depend on are left out, labels of text become whole numbers, and names that
 * would clash with the new ones are changed. Nothing else of the graph is.
 */
import { OUTPUT_NAMES } from "../export.ts";
import { checkOnnx, inspectOnnx } from "../inspection/inspect.ts";
import { ModelRefusedError } from "../inspection/model-refused-error.ts";
import { sizesOf } from "../inspection/sizes/size-flow.ts";
import { WireReader } from "../inspection/wire-reader.ts";
import { findAnswer, findInput, isServedForm } from "./answer.ts";
import type { FoundInput, OnnxAdaptation } from "./answer.ts";
import { neededFor, outlineOf } from "./outline.ts";
import type { Kept, Outline } from "./outline.ts";
import { rewriteModel } from "./rewrite.ts";

export type { OnnxAdaptation } from "./answer.ts";

/**
 * @returns the same bytes where the graph has the form already
 * @throws {ModelRefusedError} for what `checkOnnx` refuses in the part that the answer depends on, and for inputs,
 * outputs or classes that cannot be brought into the form
 */
export function adaptOnnx(bytes: Uint8Array, adaptation: OnnxAdaptation): Uint8Array {
  const summary = inspectOnnx(bytes);
  const reader = new WireReader(bytes);
  const outline = outlineOf(reader);
  const graph = { summary, outline, reader };
  const input = findInput(graph, adaptation);
  const answer = findAnswer(graph, adaptation);
  const { taskKind, nFeatures } = adaptation;
  const served = OUTPUT_NAMES[taskKind];
  const probe = { served, rows: input.tensors[0]?.shape[0] };
  if (isServedForm(graph, { input, answer, taskKind })) {
    checkAdapted(bytes, probe);
    return bytes;
  }
  const kept = neededFor(answer.name, outline);
  requireNoOther(kept, { input, summary, outline });
  const adapted = rewriteModel(reader, { input, answer, served, nFeatures, kept });
  checkAdapted(adapted, probe);
  return adapted;
}

/** For so many rows the answer must have as many. */
const PROBE_ROWS = 5;

/**
 * Frameworks write the number of rows of their example where they are not told that it is free, and often nothing in the
 * graph depends on it: it is freed, and then every row must still have its answer.
 *
 * @param given.rows first dimension of the graph's own input
 */
function checkAdapted(
  bytes: Uint8Array,
  { served, rows }: { readonly served: string; readonly rows: number | string | null | undefined },
): void {
  const hint =
    typeof rows === "number"
      ? `; it was exported for ${rows} rows: export it with a free first dimension`
      : "";
  try {
    const { inputs } = checkOnnx(bytes);
    const reader = new WireReader(bytes);
    const [found] = sizesOf({ reader, inputs, ...outlineOf(reader) }, PROBE_ROWS).get(served)?.shape ?? [];
    if (found?.value === PROBE_ROWS) return;
    throw new ModelRefusedError(`of ${PROBE_ROWS} rows it answers ${found?.value ?? "all together"}`);
  } catch (error) {
    if (!(error instanceof ModelRefusedError)) throw error;
    throw new ModelRefusedError(`${error.reason}${hint}`);
  }
}

function requireNoOther(
  { tensors }: Kept,
  given: {
    readonly input: FoundInput;
    readonly summary: ReturnType<typeof inspectOnnx>;
    readonly outline: Outline;
  },
): void {
  const { input, summary, outline } = given;
  const own = new Set(input.tensors.map(({ name }) => name));
  const other = summary.inputs.find(
    ({ name }) => !own.has(name) && tensors.has(name) && !outline.initializers.has(name),
  );
  if (other === undefined) return;
  throw new ModelRefusedError(`its answer depends on the input ${other.name} beside ${[...own].join(", ")}`);
}
