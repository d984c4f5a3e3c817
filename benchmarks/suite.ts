import type { BenchRow, Measurement, RowSpec } from "./row.ts";

/** What a suite is given. */
export interface SuiteContext {
  /** Stay under 50 s: smaller data, fewer repeats; figures are then a smoke check and are not published. */
  readonly quick: boolean;
  /** Absolute path of the checkout. */
  readonly root: string;
  /** Scratch folder of this run, removed afterwards. */
  readonly scratch: string;
  /** Folder that outlives the run, for generated input files. */
  readonly cache: string;
  /** Judges and hands out one row. */
  row(spec: RowSpec, measured: Measurement): void;
  /** A line for people about what is happening, or why something is left out. */
  say(line: string): void;
}

/** One family of measurements. `specs` states all rows it can yield, for the self-test and the docs. */
export interface BenchSuite {
  readonly name: string;
  /** One sentence for the section in docs/benchmarks.md. */
  readonly about: string;
  readonly specs: Readonly<Record<string, RowSpec>>;
  run(context: SuiteContext): Promise<void>;
}

export interface SuiteResult {
  readonly rows: readonly BenchRow[];
  readonly notes: readonly string[];
}
