/** What a file may hold at most. */
export interface OnnxLimits {
  readonly maxBytes: number;
  readonly maxNodes: number;
  readonly maxInitializers: number;
  /** Elements of one tensor. */
  readonly maxElements: number;
}

export const DEFAULT_ONNX_LIMITS: OnnxLimits = {
  maxBytes: 256 * 1024 * 1024,
  maxNodes: 10_000,
  maxInitializers: 10_000,
  maxElements: 50_000_000,
};

/** A graph input or output. */
export interface OnnxTensorInfo {
  readonly name: string;
  /** TensorProto.DataType; 11 is double. */
  readonly elementType: number;
  /** A size, the name of a free one, or null where neither is given. */
  readonly shape: readonly (number | string | null)[];
}

export interface OnnxSummary {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly inputs: readonly OnnxTensorInfo[];
  readonly outputs: readonly OnnxTensorInfo[];
  /** How often each operator occurs; named `domain:Operator` outside the standard domain. */
  readonly operators: Readonly<Record<string, number>>;
  readonly nNodes: number;
  readonly nInitializers: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Why `checkOnnx` refuses the file, at most 20 reasons; empty when it does not. */
  readonly refusals: readonly string[];
}
