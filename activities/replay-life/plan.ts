import type { DatasetManifest, DatasetSource } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { RetrainSchedule } from "../../schemas/pipeline/retraining.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ReplayOptions } from "../../schemas/runs/replay-life.ts";
import { readingsOf } from "../features/sensor-columns.ts";
import { runPlan } from "../runs/plan.ts";
import type { ReplayPlan, ReplaySpan } from "./messages.ts";
import { momentOf, momentText, refused, spanOf } from "./replay-time.ts";
import type { ReplayTimeKind } from "./replay-time.ts";
import { isScheduledIn } from "./scheduled-times.ts";

/** More would take hours, and could not be told apart in a plot. */
const MAX_WINDOWS = 400;

export interface PlanGiven {
  readonly runId: string;
  readonly pipeline: Pipeline;
  readonly dataset: DatasetManifest;
  readonly options: ReplayOptions;
  /** Times of the first and the last reading. */
  readonly first: number;
  readonly last: number;
}

/**
 * When what is trained and looked at. The first training is moved up to a whole number of windows from the first reading,
 * so that windows of a week begin with the weeks of the data.
 *
 * @throws {PlatformError} invalid_body, invalid_pipeline: see `replayableTime`
 */
export function planReplay(given: PlanGiven): ReplayPlan {
  const { pipeline, options, runId, first, last } = given;
  const kind = replayableTime(given);
  const span = { begin: first, end: last + 1, kind };
  const until = options.until === undefined ? span.end : momentOf(options.until, span, "until") + 1;
  const end = Math.min(span.end, until);
  const every = windowLength(pipeline, options, kind);
  const labelDelay = labelDelayOf(pipeline, options, kind);
  const asked = momentOf(options.start, { ...span, end }, "start");
  const start = first + Math.ceil((asked - first) / every - 1e-9) * every;
  if (!(start - labelDelay > first && start < end)) {
    const expected = `a moment after ${momentText(first, kind)} and before ${momentText(end, kind)}, with label delay and a window inside`;
    throw refused("start", expected, options.start);
  }
  const { retraining, monitoring, performance } = pipeline;
  const { schedule, onDegradation, onDrift, newLabels } = retraining;
  const windows = windowsOf({ start, end, every, kind });
  return {
    run: { ...runPlan(pipeline, runId), searches: [] },
    timeKind: kind,
    begin: first,
    start,
    end,
    every,
    labelDelay,
    coolDown: kind === "cycle" ? 0 : durationMs(retraining.coolDown) * 1_000,
    windows:
      schedule === undefined || !options.loop || kind === "cycle"
        ? windows
        : windows.map((window) => withSchedule(window, schedule)),
    confirmations: Math.max(monitoring.confirmations, performance.confirmations),
    retrains: options.loop && onDrift,
    ...(options.loop && onDegradation ? { onDegradation } : {}),
    ...(options.loop && newLabels !== undefined ? { newLabels } : {}),
  };
}

const MICROS_PER_MS = 1_000;

function withSchedule(span: ReplaySpan, schedule: RetrainSchedule): ReplaySpan {
  const isScheduled = isScheduledIn(schedule, {
    from: span.from / MICROS_PER_MS,
    to: span.to / MICROS_PER_MS,
  });
  return isScheduled ? { ...span, isScheduled } : span;
}

/** Failures are learnt of as late as they are when the loop runs for real. */
function labelDelayOf(
  { label, performance }: Pipeline,
  { labelDelay }: ReplayOptions,
  kind: ReplayTimeKind,
): number {
  const isByEvents = label.kind === "events" && kind === "timestamp";
  return spanOf(labelDelay ?? (isByEvents ? performance.delay : "0"), kind, "labelDelay");
}

function windowLength({ monitoring }: Pipeline, { every }: ReplayOptions, kind: ReplayTimeKind): number {
  if (every === undefined && kind === "cycle")
    throw refused("every", "the length of a window in cycles, such as 50", "none");
  const length = spanOf(every ?? monitoring.window, kind, "every");
  if (length > 0) return length;
  throw refused("every", "a window longer than 0", every ?? monitoring.window);
}

function windowsOf(given: {
  readonly start: number;
  readonly end: number;
  readonly every: number;
  readonly kind: ReplayTimeKind;
}): ReplaySpan[] {
  const { start, end, every } = given;
  const count = Math.ceil((end - start) / every);
  if (count > MAX_WINDOWS)
    throw refused("every", `windows so long that there are at most ${MAX_WINDOWS}`, `${count} windows`);
  return Array.from({ length: count }, (_, i) => ({
    from: start + i * every,
    to: Math.min(end, start + (i + 1) * every),
  }));
}

/**
 * Kind of the time that the whole fleet shares.
 *
 * @throws {PlatformError} invalid_pipeline: there is no such time, or nothing that would say later how good an answer was
 */
export function replayableTime({
  pipeline,
  dataset,
  options,
}: Pick<PlanGiven, "pipeline" | "dataset" | "options">): ReplayTimeKind {
  const { label, task } = pipeline;
  const [name] = Object.entries(pipeline.sources).find(([, { role }]) => role === "readings") ?? [""];
  if (label.kind === "none" && task.kind !== "forecast")
    throw cannot("label", "a label: without one nobody finds out later how good an answer was", "none");
  if (label.kind === "end_of_life" && label.ends.some(({ at }) => typeof at === "object"))
    throw cannot(
      "label.ends",
      "ends that are seen in the readings: a table of remaining lives says when a life will end, and not when that became known",
      "a table",
    );
  return sharedTime(readingsOf(dataset), { name, options });
}

/** Cycles of a run-to-failure file begin anew for each asset: cycle 80 of two of them are years apart. */
function sharedTime(
  { timeKind }: DatasetSource,
  { name, options }: { readonly name: string; readonly options: ReplayOptions },
): ReplayTimeKind {
  if (timeKind === "timestamp") return timeKind;
  const field = `sources.${name}.time`;
  if (timeKind === "none")
    throw cannot(field, "a time column: a replay goes through history in order", "none");
  if (options.sharedCycles) return timeKind;
  throw cannot(
    field,
    "a time that all assets share: a timestamp column, or --shared-cycles where all of them count the same cycles",
    "cycles, which each asset may count from its own beginning",
  );
}

function cannot(field: string, expected: string, found: string): PlatformError {
  return new PlatformError(
    "invalid_pipeline",
    `replay-life [${field}]: expected ${expected}; found ${found}`,
    {
      locations: [{ field, expected, found }],
    },
  );
}
