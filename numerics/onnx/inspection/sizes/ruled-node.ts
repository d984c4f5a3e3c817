import type { Attributes, TensorFact } from "./node-facts.ts";
import { fixed, larger, UNKNOWN } from "./size.ts";
import type { Size } from "./size.ts";

export type Shape = readonly Size[];

/** A node as rules see it. */
export interface RuledNode {
  readonly operator: string;
  /** Left-out inputs know nothing. */
  readonly inputs: readonly TensorFact[];
  readonly attributes: Attributes;
  readonly nOutputs: number;
}

export type ShapeRule = (node: RuledNode) => readonly (Shape | null)[];

export function shapeOf({ inputs }: RuledNode, place: number): Shape | null {
  return inputs[place]?.shape ?? null;
}

/** Whole numbers that a node is told by an attribute, or in newer operator sets by an input. Null: not known. */
export function toldIntegers(
  node: RuledNode,
  name: string,
  place: number,
): readonly Size[] | null | undefined {
  const attribute = node.attributes.get(name);
  if (attribute !== undefined) return attribute.integers.map(fixed);
  const input = node.inputs[place];
  return input === undefined || input === LEFT_OUT ? undefined : input.content;
}

/** What stands in the place of an input that a node does not have. */
export const LEFT_OUT: TensorFact = { shape: null, content: null, elementType: 0 };

export function integerOf({ attributes }: RuledNode, name: string, usual: number): number {
  return attributes.get(name)?.integer ?? usual;
}

/** A place among `rank`, which may be counted from the end; −1: there is none. */
export function placeOf(axis: number, rank: number): number {
  const place = axis < 0 ? axis + rank : axis;
  return Number.isInteger(place) && place >= 0 && place < rank ? place : -1;
}

/** The shape that element-by-element operators stretch their inputs to. */
export function broadcast(shapes: readonly (Shape | null)[]): Shape | null {
  let whole: Shape = [];
  for (const shape of shapes) {
    if (shape === null) return null;
    const rank = Math.max(whole.length, shape.length);
    const before = whole;
    whole = Array.from({ length: rank }, (_, place) => {
      const a = before[place - rank + before.length];
      const b = shape[place - rank + shape.length];
      if (a === undefined || b === undefined) return a ?? b ?? UNKNOWN;
      if (!b.varies && b.value === 1) return a;
      return !a.varies && a.value === 1 ? b : larger(a, b);
    });
  }
  return whole;
}
