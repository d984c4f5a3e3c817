import { createKernels, SCRATCH_BYTES } from "../kernels/kernels.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { CHUNK_ROWS, openViews, planLayout } from "../layout.ts";
import type { TrainingViews } from "../layout.ts";
import type { RowRange } from "../objectives/objective.ts";
import type { Packing } from "../packing.ts";
import { CONTROL } from "./control.ts";
import type { TrainingJob } from "./team.ts";

/** Places of the double arguments that steps share. */
export const DOUBLES = {
  countUnit: 0,
  gradientUnit: 1,
  hessianUnit: 2,
  smallerFirst: 3,
  smallerSecond: 4,
  largerFirst: 5,
  largerSecond: 6,
  /** Least and largest output of the smaller child, then of the larger. */
  smallerLowest: 7,
  smallerHighest: 8,
  largerLowest: 9,
  largerHighest: 10,
} as const;

/** What all steps of one thread share: the training's memory, the job, and the arguments of the present step. */
export class StepContext {
  readonly job: TrainingJob;
  readonly views: TrainingViews;
  readonly kernels: Kernels;
  readonly control: Int32Array;
  /** Address of this thread's own scratch. */
  readonly scratch: number;
  readonly #doubles: Float64Array;

  constructor(job: TrainingJob, control: Int32Array, doubles: Float64Array) {
    this.job = job;
    this.views = openViews(job.memory.buffer, job.sizes, planLayout(job.sizes));
    this.kernels = createKernels(job.memory, job.kernels);
    this.scratch = this.views.layout.addresses.scratch + job.thread * SCRATCH_BYTES;
    this.control = control;
    this.#doubles = doubles;
  }

  /** An integer argument of the present step. */
  argument(place: number): number {
    return this.control[CONTROL.arguments + place];
  }

  /** A double argument; see DOUBLES. */
  double(place: number): number {
    return this.#doubles[place];
  }

  get packing(): Packing {
    return {
      lanes: this.views.sizes.lanes,
      countUnit: this.double(DOUBLES.countUnit),
      gradientUnit: this.double(DOUBLES.gradientUnit),
      hessianUnit: this.double(DOUBLES.hessianUnit),
    };
  }

  /** Training rows of a task. */
  chunk(task: number): RowRange {
    const begin = task * CHUNK_ROWS;
    return { begin, end: Math.min(begin + CHUNK_ROWS, this.views.sizes.nRows) };
  }

  /** Validation rows of a task. */
  validationChunk(task: number): RowRange {
    const begin = task * CHUNK_ROWS;
    return { begin, end: Math.min(begin + CHUNK_ROWS, this.views.sizes.nValidationRows) };
  }
}
