/**
 * The fields of onnx.proto3 that a model may have here, by number. What is left out is refused by the
 * reader: functions, training info, sparse initializers, quantization, device configurations.
 *
 * Source: github.com/onnx/onnx, `onnx/onnx.proto3`.
 */
import type { FieldKind, MessageShape } from "./wire-reader.ts";

function shapeOf(fields: Readonly<Record<number, readonly [string, FieldKind]>>): MessageShape {
  return Object.fromEntries(Object.entries(fields).map(([number, [name, kind]]) => [number, { name, kind }]));
}

export const MODEL_SHAPE = shapeOf({
  1: ["ir_version", "integer"],
  2: ["producer_name", "text"],
  3: ["producer_version", "text"],
  4: ["domain", "text"],
  5: ["model_version", "integer"],
  6: ["doc_string", "bytes"],
  7: ["graph", "message"],
  8: ["opset_import", "messages"],
  14: ["metadata_props", "messages"],
  20: ["training_info", "messages"],
  25: ["functions", "messages"],
});

export const OPSET_SHAPE = shapeOf({ 1: ["domain", "text"], 2: ["version", "integer"] });

export const PROPERTY_SHAPE = shapeOf({ 1: ["key", "text"], 2: ["value", "text"] });

export const GRAPH_SHAPE = shapeOf({
  1: ["node", "messages"],
  2: ["name", "text"],
  5: ["initializer", "messages"],
  10: ["doc_string", "bytes"],
  11: ["input", "messages"],
  12: ["output", "messages"],
  13: ["value_info", "messages"],
  15: ["sparse_initializer", "messages"],
  16: ["metadata_props", "messages"],
});

export const NODE_SHAPE = shapeOf({
  1: ["input", "texts"],
  2: ["output", "texts"],
  3: ["name", "text"],
  4: ["op_type", "text"],
  5: ["attribute", "messages"],
  6: ["doc_string", "bytes"],
  7: ["domain", "text"],
  9: ["metadata_props", "messages"],
});

export const ATTRIBUTE_SHAPE = shapeOf({
  1: ["name", "text"],
  2: ["f", "real32"],
  3: ["i", "integer"],
  4: ["s", "bytes"],
  5: ["t", "message"],
  6: ["g", "message"],
  7: ["floats", "reals32"],
  8: ["ints", "integers"],
  9: ["strings", "texts"],
  10: ["tensors", "messages"],
  11: ["graphs", "messages"],
  13: ["doc_string", "bytes"],
  20: ["type", "integer"],
  21: ["ref_attr_name", "text"],
  22: ["sparse_tensor", "message"],
  23: ["sparse_tensors", "messages"],
});

export const TENSOR_SHAPE = shapeOf({
  1: ["dims", "integers"],
  2: ["data_type", "integer"],
  4: ["float_data", "reals32"],
  5: ["int32_data", "integers"],
  6: ["string_data", "texts"],
  7: ["int64_data", "integers"],
  8: ["name", "text"],
  9: ["raw_data", "bytes"],
  10: ["double_data", "reals64"],
  12: ["doc_string", "bytes"],
  13: ["external_data", "messages"],
  14: ["data_location", "integer"],
});

export const VALUE_INFO_SHAPE = shapeOf({
  1: ["name", "text"],
  2: ["type", "message"],
  3: ["doc_string", "bytes"],
});

/** Tensors only: sequences, maps and optionals are left out. */
export const TYPE_SHAPE = shapeOf({
  1: ["tensor_type", "message"],
  4: ["sequence_type", "message"],
  5: ["map_type", "message"],
  6: ["denotation", "text"],
  8: ["sparse_tensor_type", "message"],
  9: ["optional_type", "message"],
});

export const TENSOR_TYPE_SHAPE = shapeOf({ 1: ["elem_type", "integer"], 2: ["shape", "message"] });

export const DIMENSIONS_SHAPE = shapeOf({ 1: ["dim", "messages"] });

export const DIMENSION_SHAPE = shapeOf({
  1: ["dim_value", "integer"],
  2: ["dim_param", "text"],
  3: ["denotation", "text"],
});
