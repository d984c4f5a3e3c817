/** What a helper thread does for a forest: takes trees by their number, grows them and hands them over. */
import type { MessagePort } from "node:worker_threads";
import type { DecisionTree } from "../decision-tree.ts";
import { createTree } from "../decision-tree.ts";
import { finishTask, takeTask } from "../gbdt/threads/control.ts";
import { TreeGrower } from "./forest-tree.ts";
import type { ForestData } from "./forest-tree.ts";

/** What a helper is handed. */
export interface ForestJob {
  readonly forest: ForestData;
  /** Takes each tree as `packTree` packs it. */
  readonly port: MessagePort;
}

export class ForestThread {
  readonly #grower: TreeGrower;
  readonly #port: MessagePort;
  readonly #control: Int32Array;

  constructor({ forest, port }: ForestJob, control: Int32Array) {
    this.#grower = new TreeGrower(forest);
    this.#port = port;
    this.#control = control;
  }

  /**
   * Grows trees until none is left.
   *
   * @param fail told of a tree that fails, before it counts as finished
   */
  takeTasks(fail: (error: unknown) => void): void {
    for (let taken = takeTask(this.#control); taken !== null; taken = takeTask(this.#control)) {
      try {
        const block = packTree(taken.task, this.#grower.grow(taken.task));
        this.#port.postMessage(block, [block.buffer as ArrayBuffer]);
      } catch (error) {
        fail(error);
      }
      finishTask(this.#control);
    }
  }
}

const LISTS = ["feature", "threshold", "missingLeft", "left", "right", "gain", "count"] as const;
const HEADER = 3;

/** A tree and its number as one block of doubles, which is moved and not copied: number, width, nodes, list by list. */
export function packTree(index: number, tree: DecisionTree): Float64Array {
  const nNodes = tree.feature.length;
  const block = new Float64Array(HEADER + nNodes * (LISTS.length + tree.width));
  block.set([index, tree.width, nNodes]);
  LISTS.forEach((name, place) => block.set(tree[name], HEADER + place * nNodes));
  block.set(tree.value, HEADER + LISTS.length * nNodes);
  return block;
}

export function unpackTree(block: Float64Array): { readonly index: number; readonly tree: DecisionTree } {
  const [index, width, nNodes] = block;
  const list = (place: number, length: number): number[] => {
    const values: number[] = [];
    // Many times faster than Array.from.
    for (let at = HEADER + place * nNodes; values.length < length; at++) values.push(block[at]);
    return values;
  };
  const lists = Object.fromEntries(LISTS.map((name, place) => [name, list(place, nNodes)]));
  // A forest tests no categories and adds all its outputs at once.
  return { index, tree: { ...createTree(0, width), ...lists, value: list(LISTS.length, nNodes * width) } };
}
