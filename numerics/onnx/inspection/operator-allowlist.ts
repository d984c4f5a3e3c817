/**
 * Operators that a served graph may use: arithmetic on tensors whose cost follows from the size of the
 * input, and tree and linear models. Left out on purpose: control flow (Loop, If, Scan: unbounded
 * time), strings and regular expressions, random numbers, sequences and maps, and operators that make
 * tensors of a size given by data (Expand, Tile, Range, ConstantOfShape), and the newer TreeEnsemble, whose
 * inside nothing here checks.
 */
export const ALLOWED_OPERATORS: Readonly<Record<string, ReadonlySet<string>>> = {
  "": nameSet(
    "Add Sub Mul Div Neg Abs Pow Sqrt Exp Log Floor Ceil Round Sigmoid Tanh Relu Softmax Clip Min Max",
    "MatMul Gemm Cast Identity IsNaN Where Equal Less LessOrEqual Greater GreaterOrEqual And Or Not",
    "Concat Reshape Squeeze Unsqueeze Flatten Transpose Gather Slice Shape Constant",
    "ReduceSum ReduceMean ReduceMin ReduceMax ArgMax ArgMin",
  ),
  "ai.onnx.ml": nameSet(
    "TreeEnsembleRegressor TreeEnsembleClassifier LinearRegressor LinearClassifier Scaler Imputer Normalizer",
    "ArrayFeatureExtractor",
  ),
};

/** Newest operator sets that the runtime is tested with. */
export const NEWEST_OPSETS: Readonly<Record<string, number>> = { "": 22, "ai.onnx.ml": 5 };

function nameSet(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(" ")));
}
