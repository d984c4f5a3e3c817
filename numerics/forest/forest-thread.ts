/** What a helper thread does for a forest: takes trees by their number, grows them and hands them over. */
import type { MessagePort } from "node:worker_threads";
import { finishTask, takeTask } from "../gbdt/threads/control.ts";
import { TreeGrower } from "./forest-tree.ts";
import type { ForestData } from "./forest-tree.ts";

/** What a helper is handed. */
export interface ForestJob {
  readonly forest: ForestData;
  /** Takes each tree, packed. */
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
        const block = this.#grower.growPacked(taken.task);
        this.#port.postMessage(block, [block.buffer as ArrayBuffer]);
      } catch (error) {
        fail(error);
      }
      finishTask(this.#control);
    }
  }
}
