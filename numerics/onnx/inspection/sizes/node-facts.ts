import { ATTRIBUTE_SHAPE, NODE_SHAPE, TENSOR_SHAPE } from "../message-shapes.ts";
import type { WireRange, WireReader } from "../wire-reader.ts";
import { asStored, ELEMENT, fixed } from "./size.ts";
import type { Size } from "./size.ts";

/** What is known of a tensor for one number of rows. */
export interface TensorFact {
  /** null: not known. */
  readonly shape: readonly Size[] | null;
  /** Its elements, row-major, where they are few numbers that do not come from the rows' values. */
  readonly content: readonly Size[] | null;
  /** TensorProto.DataType, as far as it is known; else 0. */
  readonly elementType: number;
}

export const NOTHING_KNOWN: TensorFact = { shape: null, content: null, elementType: 0 };

/** An attribute as far as sizes depend on it. */
export interface AttributeFact {
  readonly integer?: number;
  readonly real?: number;
  readonly integers: readonly number[];
  readonly text?: string;
  readonly tensor?: TensorFact;
  /** How many floats, strings or integers a list has. */
  readonly length: number;
}

export type Attributes = ReadonlyMap<string, AttributeFact>;

const MAX_NAME_BYTES = 1024;
/** Longer lists and tensors are of weights and labels, and no sizes. */
const MAX_CONTENT = 256;
/** Types of attributes that hold a single number. */
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;

/** @returns the attributes of a node that was found well-formed */
export function readAttributes(reader: WireReader, node: WireRange): Attributes {
  const attributes = new Map<string, AttributeFact>();
  reader.readMessage(node, NODE_SHAPE, "node", (field) => {
    if (field.name !== "attribute") return;
    const { name, fact } = readAttribute(reader, { begin: field.begin, end: field.end });
    attributes.set(name, fact);
  });
  return attributes;
}

function readAttribute(
  reader: WireReader,
  range: WireRange,
): { readonly name: string; readonly fact: AttributeFact } {
  let name = "";
  let length = 0;
  let type = 0;
  const integers: number[] = [];
  const fact: { integer?: number; real?: number; text?: string; tensor?: TensorFact } = {};
  reader.readMessage(range, ATTRIBUTE_SHAPE, "attribute", (field) => {
    const { bytes } = reader;
    if (field.name === "name") name = reader.readText(field, "attribute name", MAX_NAME_BYTES);
    else if (field.name === "type") type = field.value;
    else if (field.name === "i") fact.integer = field.value;
    else if (field.name === "f") fact.real = viewOf(bytes, field).getFloat32(0, true);
    else if (field.name === "s" && field.end - field.begin <= MAX_NAME_BYTES)
      fact.text = new TextDecoder("latin1").decode(bytes.subarray(field.begin, field.end));
    else if (field.name === "t") fact.tensor = readTensorFact(reader, field);
    else if (field.name === "strings") length += 1;
    else if (field.name === "floats") length += reader.countNumbers(field, "reals32");
    else if (field.name === "ints") {
      length += reader.countNumbers(field, "integers");
      if (length <= MAX_CONTENT) reader.readIntegers(field, name, (value) => integers.push(value));
    }
  });
  // A number that is left out is 0 to a runtime, and not the operator's default.
  if (type === INT_ATTRIBUTE) fact.integer ??= 0;
  if (type === FLOAT_ATTRIBUTE) fact.real ??= 0;
  return { name, fact: { ...fact, integers, length } };
}

/** Shape of a tensor in the file, and its elements where they are few. */
export function readTensorFact(reader: WireReader, range: WireRange): TensorFact {
  const dims: number[] = [];
  let elementType = 0;
  let raw: DataView | undefined;
  const listed: number[] = [];
  reader.readMessage(range, TENSOR_SHAPE, "tensor", (field) => {
    const { name } = field;
    if (name === "dims") reader.readIntegers(field, "dims", (size) => dims.push(size));
    else if (name === "data_type") elementType = field.value;
    else if (name === "raw_data") raw = viewOf(reader.bytes, field);
    else if (name === "int64_data" || name === "int32_data") {
      if (reader.countNumbers(field, "integers") + listed.length <= MAX_CONTENT)
        reader.readIntegers(field, name, (value) => listed.push(value));
    } else if (name === "float_data" || name === "double_data") {
      const width = name === "float_data" ? 4 : 8;
      const view = viewOf(reader.bytes, field);
      if (view.byteLength / width + listed.length <= MAX_CONTENT) listed.push(...realsOf(view, width));
    }
  });
  const nElements = dims.reduce((product, size) => product * size, 1);
  const shape = dims.map(fixed);
  if (nElements > MAX_CONTENT) return { shape, content: null, elementType };
  const values = raw === undefined ? listed : readRaw(raw, elementType);
  if (values?.length !== nElements) return { shape, content: null, elementType };
  return { shape, content: values.map((value) => asStored(fixed(value), elementType)), elementType };
}

function viewOf(bytes: Uint8Array, { begin, end }: WireRange): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + begin, end - begin);
}

function realsOf(view: DataView, width: number): number[] {
  return Array.from({ length: Math.floor(view.byteLength / width) }, (_, at) =>
    width === 4 ? view.getFloat32(4 * at, true) : view.getFloat64(8 * at, true),
  );
}

function readRaw(raw: DataView, elementType: number): number[] | undefined {
  const count = (width: number) => Array.from({ length: Math.floor(raw.byteLength / width) }, (_, at) => at);
  switch (elementType) {
    case ELEMENT.int64:
      return count(8).map((at) => Number(raw.getBigInt64(8 * at, true)));
    case ELEMENT.int32:
      return count(4).map((at) => raw.getInt32(4 * at, true));
    case ELEMENT.bool:
      return count(1).map((at) => raw.getUint8(at));
    case ELEMENT.float:
      return realsOf(raw, 4);
    case ELEMENT.double:
      return realsOf(raw, 8);
  }
  return undefined;
}
