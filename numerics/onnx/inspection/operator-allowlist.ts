/**
 * Operators that a served graph may use: arithmetic on tensors, the layers of neural networks, and tree and linear models,
 * whose cost follows from the sizes in the file and the number of rows (`sizes/size-flow.ts` says how). Left out on
 * purpose: control flow (Loop, If, Scan: unbounded time), strings and regular expressions, random numbers, sequences
 * and maps, and the newer TreeEnsemble, whose inside nothing here checks.
 */
export const ALLOWED_OPERATORS: Readonly<Record<string, ReadonlySet<string>>> = {
  "": nameSet(
    "Add Sub Mul Div Neg Abs Pow Sqrt Exp Log Floor Ceil Round Sigmoid Tanh Relu Softmax Clip Min Max",
    "MatMul Gemm Cast Identity IsNaN Where Equal Less LessOrEqual Greater GreaterOrEqual And Or Not",
    "Concat Reshape Squeeze Unsqueeze Flatten Transpose Gather Slice Shape Constant",
    "ReduceSum ReduceMean ReduceMin ReduceMax ArgMax ArgMin",
    "Sum Mean Mod Xor Sign Reciprocal Sin Cos Erf IsInf CumSum Einsum TopK GatherElements",
    "Gelu LeakyRelu Elu Selu Celu PRelu HardSigmoid HardSwish Mish Softplus Softsign ThresholdedRelu LogSoftmax Dropout",
    "ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp",
    "BatchNormalization LayerNormalization InstanceNormalization GroupNormalization",
    "Conv ConvTranspose MaxPool AveragePool GlobalMaxPool GlobalAveragePool LSTM GRU RNN",
    "Size Split Expand Tile ConstantOfShape Range Pad DepthToSpace SpaceToDepth",
  ),
  "ai.onnx.ml": nameSet(
    "TreeEnsembleRegressor TreeEnsembleClassifier LinearRegressor LinearClassifier Scaler Imputer Normalizer",
    "SVMRegressor SVMClassifier ArrayFeatureExtractor LabelEncoder Binarizer FeatureVectorizer",
  ),
};

/** Newest operator sets that the runtime is tested with. */
export const NEWEST_OPSETS: Readonly<Record<string, number>> = { "": 22, "ai.onnx.ml": 5 };

function nameSet(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(" ")));
}
