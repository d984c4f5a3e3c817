/**
 * The nodes of a tree while it grows, in arrays that serve one tree after the other. A forest has millions of nodes: lists
 * that grow node by node would be copied again and again, and most of the time of a small tree would be collecting them.
 */
import type { DecisionTree } from "../decision-tree.ts";
import { createTree } from "../decision-tree.ts";

const LISTS = ["feature", "threshold", "missingLeft", "left", "right", "gain", "count"] as const;
type ListName = (typeof LISTS)[number];
type Lists = Readonly<Record<ListName, Float64Array>>;

/** Nodes that there is room for at first. */
const FIRST_NODES = 1024;
/** Of a packed tree: its number, outputs a leaf, nodes. */
const HEADER = 3;

/** A split as a forest makes it. */
export interface NodeSplit {
  readonly feature: number;
  readonly threshold: number;
  readonly isMissingLeft: boolean;
  readonly gain: number;
  readonly leftCount: number;
  readonly rightCount: number;
}

export class TreeBuffer {
  readonly #width: number;
  #nNodes = 0;
  #lists: Lists;
  #value: Float64Array;

  /** @param width outputs per leaf */
  constructor(width: number) {
    this.#width = width;
    this.#lists = createLists(FIRST_NODES, null);
    this.#value = new Float64Array(FIRST_NODES * width);
  }

  get nNodes(): number {
    return this.#nNodes;
  }

  /** Columns that nodes test, −1 at leaves; valid until a leaf is appended. */
  get feature(): Float64Array {
    return this.#lists.feature;
  }

  /** As `feature`; may be written. */
  get threshold(): Float64Array {
    return this.#lists.threshold;
  }

  /** Outputs, node-major; may be written at leaves. */
  get value(): Float64Array {
    return this.#value;
  }

  /** Begins a new tree. */
  clear(): void {
    this.#nNodes = 0;
  }

  /** Appends a leaf with zero output; returns its index. */
  appendLeaf(count: number): number {
    if (this.#nNodes === this.#lists.feature.length) this.#grow();
    const { feature, threshold, missingLeft, left, right, gain, count: counts } = this.#lists;
    const node = this.#nNodes++;
    feature[node] = -1;
    threshold[node] = 0;
    missingLeft[node] = 0;
    left[node] = -1;
    right[node] = -1;
    gain[node] = 0;
    counts[node] = count;
    this.#value.fill(0, node * this.#width, (node + 1) * this.#width);
    return node;
  }

  /** Turns leaf `node` into a split; returns its left leaf, after which comes the right one. */
  splitLeaf(node: number, split: NodeSplit): number {
    const left = this.appendLeaf(split.leftCount);
    const right = this.appendLeaf(split.rightCount);
    const lists = this.#lists;
    lists.feature[node] = split.feature;
    lists.threshold[node] = split.threshold;
    lists.missingLeft[node] = split.isMissingLeft ? 1 : 0;
    lists.gain[node] = split.gain;
    lists.left[node] = left;
    lists.right[node] = right;
    return left;
  }

  toTree(): DecisionTree {
    return unpackTree(this.pack(0)).tree;
  }

  /** The tree and its number as one block of doubles, which can be moved to another thread. */
  pack(index: number): Float64Array {
    const nNodes = this.#nNodes;
    const block = new Float64Array(HEADER + nNodes * (LISTS.length + this.#width));
    block.set([index, this.#width, nNodes]);
    LISTS.forEach((name, place) => block.set(this.#lists[name].subarray(0, nNodes), HEADER + place * nNodes));
    block.set(this.#value.subarray(0, nNodes * this.#width), HEADER + LISTS.length * nNodes);
    return block;
  }

  #grow(): void {
    const nNodes = 2 * this.#nNodes;
    this.#lists = createLists(nNodes, this.#lists);
    const value = new Float64Array(nNodes * this.#width);
    value.set(this.#value);
    this.#value = value;
  }
}

function createLists(nNodes: number, before: Lists | null): Lists {
  const list = (name: ListName): Float64Array => {
    const created = new Float64Array(nNodes);
    if (before !== null) created.set(before[name]);
    return created;
  };
  return {
    feature: list("feature"),
    threshold: list("threshold"),
    missingLeft: list("missingLeft"),
    left: list("left"),
    right: list("right"),
    gain: list("gain"),
    count: list("count"),
  };
}

/** What `pack` packed. A forest tests no categories and adds all its outputs at once. */
export function unpackTree(block: Float64Array): { readonly index: number; readonly tree: DecisionTree } {
  const [index, width, nNodes] = block;
  const list = (place: number, length: number): number[] => {
    const begin = HEADER + place * nNodes;
    // Of its length at once: a third of the time of a list that grows, a sixth of Array.from.
    const values: number[] = [];
    values.length = length;
    for (let at = 0; at < length; at++) values[at] = block[begin + at];
    return values;
  };
  const lists = Object.fromEntries(LISTS.map((name, place) => [name, list(place, nNodes)]));
  return { index, tree: { ...createTree(0, width), ...lists, value: list(LISTS.length, nNodes * width) } };
}
