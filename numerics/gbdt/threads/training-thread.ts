/**
 * What one thread of a training does: steps, cut into tasks. A task writes only what is its own (a chunk of rows,
 * a block of columns, a leaf), so that any thread may do it and the result is the same.
 */
import type { TrainingViews } from "../layout.ts";
import { BinSteps } from "./bin-steps.ts";
import { StepContext } from "./context.ts";
import { finishTask, takeTask } from "./control.ts";
import { RowSteps } from "./row-steps.ts";
import { SplitSteps } from "./split-steps.ts";
import type { TrainingJob } from "./team.ts";

/** Every step; its arguments are named at its method. */
export const STEP_NAMES = [
  "fitBins",
  "binTraining",
  "binValidation",
  "prepare",
  "derive",
  "pack",
  "partition",
  "place",
  "count",
  "findSplits",
  "sumPieces",
  "addPieces",
  "addUndrawn",
  "addValidation",
  "sumSquares",
  "sumValidationSquares",
  "loss",
] as const;
export type StepName = (typeof STEP_NAMES)[number];

/** One thread's part of a training. */
export class TrainingThread {
  readonly views: TrainingViews;
  readonly #control: Int32Array;
  readonly #steps: Readonly<Record<StepName, (task: number) => void>>;

  constructor(job: TrainingJob, control: Int32Array, doubles: Float64Array) {
    const context = new StepContext(job, control, doubles);
    this.views = context.views;
    this.#control = control;
    const bins = new BinSteps(context);
    const rows = new RowSteps(context);
    const splits = new SplitSteps(context);
    this.#steps = {
      fitBins: (task) => bins.fitBins(task),
      binTraining: (task) => bins.binTraining(task),
      binValidation: (task) => bins.binValidation(task),
      prepare: (task) => rows.prepare(task),
      derive: (task) => rows.derive(task),
      pack: (task) => rows.pack(task),
      partition: (task) => splits.partition(task),
      place: (task) => splits.place(task),
      count: (task) => splits.count(task),
      findSplits: (task) => splits.findSplits(task),
      sumPieces: (task) => rows.sumPiece(task),
      addPieces: (task) => rows.addPiece(task),
      addUndrawn: (task) => rows.addUndrawn(task),
      addValidation: (task) => rows.addValidation(task),
      sumSquares: (task) => rows.sumSquares(task, "training"),
      sumValidationSquares: (task) => rows.sumSquares(task, "validation"),
      loss: (task) => rows.sumLoss(task),
    };
  }

  /**
   * Takes tasks of the present step until none is left.
   *
   * @param fail told of a task that throws, before it counts as finished: a step ends in any case
   */
  takeTasks(fail: (error: unknown) => void): void {
    for (let taken = takeTask(this.#control); taken !== null; taken = takeTask(this.#control)) {
      try {
        this.#steps[STEP_NAMES[taken.step]](taken.task);
      } catch (error) {
        fail(error);
      }
      finishTask(this.#control);
    }
  }

  /** All tasks, in order, on this thread alone. */
  runAll(step: StepName, nTasks: number): void {
    const perform = this.#steps[step];
    for (let task = 0; task < nTasks; task++) perform(task);
  }
}
