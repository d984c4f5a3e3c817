/** What the pool tells its owner, for log lines and counters. */
export type PoolEvent =
  | { readonly type: "child_started"; readonly pid: number; readonly models: number; readonly ms: number }
  | { readonly type: "child_lost"; readonly pid: number; readonly reason: "deadline" | "exit" }
  | { readonly type: "child_recycled"; readonly pid: number; readonly rssBytes: number }
  | { readonly type: "child_start_failed"; readonly message: string; readonly retryInMs: number }
  | { readonly type: "model_loaded"; readonly key: string }
  | { readonly type: "model_refused"; readonly key: string; readonly message: string }
  | { readonly type: "model_unloaded"; readonly key: string }
  | { readonly type: "batch"; readonly key: string; readonly nRequests: number; readonly nRows: number };

export interface PoolOptions {
  /** Child processes; each hosts every model. At least 1. */
  readonly children: number;
  /** Longest run of one batch in ms; then its child is killed. */
  readonly deadlineMs: number;
  /** Longest load of one model in ms. Default 60 000. */
  readonly loadDeadlineMs?: number;
  /** Resident set size in MiB above which a child is replaced. */
  readonly memoryLimitMb: number;
  /** Rows that may wait; above it requests are refused as `overloaded`. */
  readonly maxQueueRows: number;
  /** Rows that small requests are gathered to. Default 64. */
  readonly maxBatchRows?: number;
  readonly onEvent?: (event: PoolEvent) => void;
  /** How much the children yield to other processes, 0…19. Default 0. */
  readonly niceness?: number;
}

export type CheckedPoolOptions = Required<PoolOptions>;

/** @throws {RangeError} naming the option that is out of range */
export function checkPoolOptions(options: PoolOptions): CheckedPoolOptions {
  const checked = {
    loadDeadlineMs: 60_000,
    maxBatchRows: 64,
    niceness: 0,
    onEvent: () => undefined,
    ...options,
  };
  for (const name of [
    "children",
    "deadlineMs",
    "loadDeadlineMs",
    "memoryLimitMb",
    "maxQueueRows",
    "maxBatchRows",
  ] as const) {
    if (!(checked[name] >= 1))
      throw new RangeError(`inference pool: ${name} must be >= 1, got ${checked[name]}`);
  }
  return checked;
}
