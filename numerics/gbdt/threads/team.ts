/**
 * The threads of a training. The thread that trains is the first of the team and takes tasks like the others;
 * helpers wait in between, blocked, on one shared word.
 *
 * A step is cut into tasks whose results do not depend on who does them; threads take the next one from a
 * counter, and a step ends when all tasks are done, whether or not every helper woke up for it. All sums are exact
 * or of a fixed order, so a model is the same for any number of threads.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { DecisionTree } from "../../decision-tree.ts";
import type { ForestJob } from "../../forest/forest-thread.ts";
import { unpackTree } from "../../forest/tree-buffer.ts";
import type { ForestData, TreeGrower } from "../../forest/forest-tree.ts";
import type { CategoryLimits } from "../categorical-scan.ts";
import {
  COMMAND_OPEN,
  CONTROL,
  CONTROL_BYTES,
  dropTasks,
  finishTask,
  issueTickets,
  MOST_TASKS,
  openControl,
  readText,
  SPINS,
  takeTask,
} from "./control.ts";
import type { ControlViews } from "./control.ts";
import type { KernelKind } from "../kernels/kernels.ts";
import type { SharedMemory } from "../kernels/web-assembly.ts";
import type { TrainingSizes } from "../layout.ts";
import type { ObjectiveChoice } from "../objectives/objective.ts";
import type { GrowLimits } from "../splitting.ts";
import type { StepName } from "./training-thread.ts";
import { STEP_NAMES, TrainingThread } from "./training-thread.ts";

/** What a helper needs to take part in a training; plain data and shared memory. */
export interface TrainingJob {
  readonly memory: SharedMemory;
  /** Which thread of the team this is for; 0 is the one that trains. */
  readonly thread: number;
  readonly sizes: TrainingSizes;
  readonly objective: ObjectiveChoice;
  readonly limits: GrowLimits;
  readonly categories: CategoryLimits;
  /** Whether leaf outputs are bounded or penalised in a way that the search must know. */
  readonly isConstrained: boolean;
  readonly kernels: KernelKind;
}

/** The longest step is binning, which is done chunk by chunk: a thread that is silent for so long has died. */
const STEP_TIMEOUT_MS = 300_000;
const PAGE_BYTES = 65_536;
/** Memory of an earlier training is used again while it is at most this much too large. */
const MOST_WASTE = 4;

/** A fixed set of threads that take part in one training at a time. */
export class Team {
  readonly nThreads: number;
  readonly #control: ControlViews;
  readonly #helpers: readonly Worker[];
  #memory: { readonly pages: number; readonly memory: SharedMemory | null } = {
    pages: 0,
    memory: null,
  };

  /** @param nThreads 1 … 256, the calling thread included; 1 starts nothing */
  constructor(nThreads: number) {
    if (!Number.isInteger(nThreads) || nThreads < 1 || nThreads > 256) {
      throw new RangeError(`nThreads must be an integer in [1, 256], got ${nThreads}`);
    }
    this.nThreads = nThreads;
    const buffer = new SharedArrayBuffer(CONTROL_BYTES);
    this.#control = openControl(buffer);
    const entry = new URL(
      import.meta.url.endsWith(".ts")
        ? "../../../dist/numerics/gbdt/threads/team-thread.js"
        : "./team-thread.js",
      import.meta.url,
    );
    this.#helpers = Array.from({ length: nThreads - 1 }, () => {
      const helper = new Worker(entry, { workerData: buffer });
      helper.unref();
      return helper;
    });
  }

  /**
   * Memory for the next training; what lies in it is of the one before. Kept where it fits well, because each one
   * takes gigabytes of addresses until it is collected.
   */
  memory(nBytes: number): SharedMemory {
    const nPages = Math.ceil(nBytes / PAGE_BYTES);
    const { pages, memory } = this.#memory;
    if (memory !== null && nPages <= pages && pages <= MOST_WASTE * nPages) return memory;
    const fresh = new WebAssembly.Memory({ initial: nPages, maximum: nPages, shared: true });
    this.#memory = { pages: nPages, memory: fresh };
    return fresh;
  }

  /**
   * Hands a training to all threads; returns this thread's part of it.
   *
   * @throws {Error} when a helper fails or has died; the team is then of no more use
   */
  open(shared: Omit<TrainingJob, "thread">): TrainingThread {
    const job = { ...shared, thread: 0 };
    this.#helpers.forEach((helper, index) => helper.postMessage({ ...job, thread: index + 1 }));
    this.#command(COMMAND_OPEN, { first: 0, nTasks: this.#helpers.length, nTickets: 0 });
    this.#join(this.#helpers.length);
    return new TrainingThread(job, this.#control.words, this.#control.doubles);
  }

  /**
   * Does `nTasks` tasks of a step; returns when all are done.
   *
   * @param integers arguments of the step, at most 16
   * @param isSolo   for steps too short to wake another thread for
   */
  run(
    self: TrainingThread,
    step: StepName,
    nTasks: number,
    integers: readonly number[] = [],
    isSolo = false,
  ): void {
    for (let index = 0; index < integers.length; index++) {
      this.#control.words[CONTROL.arguments + index] = integers[index];
    }
    if (isSolo || nTasks <= 1 || this.#helpers.length === 0) {
      self.runAll(step, nTasks);
      return;
    }
    for (let first = 0; first < nTasks; first += MOST_TASKS) {
      const nNow = Math.min(MOST_TASKS, nTasks - first);
      this.#command(STEP_NAMES.indexOf(step), { first, nTasks: nNow, nTickets: nNow });
      const errors: unknown[] = [];
      self.takeTasks((error) => errors.push(error));
      this.#join(nNow);
      if (errors.length > 0) throw errors[0];
    }
  }

  /**
   * Grows trees of a forest, each on one thread.
   *
   * @param grower  of this thread, for the same forest
   * @param numbers of the trees, `begin` … `end` − 1
   * @param watch   told how many trees of the forest are done, after each that this thread grows; what it throws ends
   *   the forest, once the trees are done that other threads are growing
   * @returns trees by number
   */
  growTrees(
    { forest, grower }: { readonly forest: ForestData; readonly grower: TreeGrower },
    { begin, end }: { readonly begin: number; readonly end: number },
    watch: (nDone: number) => void,
  ): DecisionTree[] {
    const trees: DecisionTree[] = [];
    let nDone = begin;
    const ports = this.#helpers.map((helper) => {
      const { port1, port2 } = new MessageChannel();
      helper.postMessage({ forest, port: port2 } satisfies ForestJob, [port2]);
      return port1;
    });
    const receive = (): void => {
      for (const { index, tree } of receiveTrees(ports)) {
        trees[index - begin] = tree;
        nDone += 1;
      }
    };
    try {
      this.#command(COMMAND_OPEN, { first: 0, nTasks: ports.length, nTickets: 0 });
      this.#join(ports.length);
      for (let first = begin; first < end; first += MOST_TASKS) {
        const nNow = Math.min(MOST_TASKS, end - first);
        this.#command(0, { first, nTasks: nNow, nTickets: nNow });
        this.#growHere((index) => {
          trees[index - begin] = grower.grow(index);
          nDone += 1;
          receive();
          if (nDone < end) watch(nDone);
        });
        this.#join(nNow);
        receive();
      }
    } finally {
      for (const port of ports) port.close();
    }
    return trees;
  }

  /** Takes trees until none is left; where one fails the others are given up. */
  #growHere(grow: (index: number) => void): void {
    const control = this.#control.words;
    for (let taken = takeTask(control); taken !== null; taken = takeTask(control)) {
      try {
        grow(taken.task);
      } catch (error) {
        finishTask(control);
        this.#join(dropTasks(control));
        throw error;
      }
      finishTask(control);
    }
  }

  /** A double argument of the following steps; see DOUBLES. */
  setDouble(place: number, value: number): void {
    this.#control.doubles[place] = value;
  }

  async close(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper.terminate()));
  }

  #command(
    step: number,
    tasks: { readonly first: number; readonly nTasks: number; readonly nTickets: number },
  ) {
    const control = this.#control.words;
    Atomics.store(control, CONTROL.step, step);
    Atomics.store(control, CONTROL.firstTask, tasks.first);
    Atomics.store(control, CONTROL.nTasks, tasks.nTasks);
    Atomics.store(control, CONTROL.done, 0);
    issueTickets(control, tasks.nTickets);
    Atomics.add(control, CONTROL.generation, 1);
    Atomics.notify(control, CONTROL.generation);
  }

  #join(nTasks: number): void {
    const control = this.#control.words;
    let done = 0;
    for (let spin = 0; spin < SPINS && (done = Atomics.load(control, CONTROL.done)) < nTasks; spin++);
    while ((done = Atomics.load(control, CONTROL.done)) < nTasks) {
      if (Atomics.wait(control, CONTROL.done, done, STEP_TIMEOUT_MS) === "timed-out") {
        throw new Error(`a training thread did not answer within ${STEP_TIMEOUT_MS / 1000} s`);
      }
    }
    if (Atomics.exchange(control, CONTROL.nFailed, 0) > 0) {
      throw new Error(`a training thread failed: ${readText(this.#control.text)}`);
    }
  }
}

/** What has arrived so far: a port is read without an event loop. */
function* receiveTrees(ports: readonly MessagePort[]): Generator<ReturnType<typeof unpackTree>> {
  for (const port of ports) {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      yield unpackTree(got.message as Float64Array);
    }
  }
}
