import { PlatformError } from "../../schemas/platform-error.ts";
import type { RunError, RunOutcome, RunView } from "../../schemas/runs/run.ts";
import { knownCode } from "../client.ts";
import { EXIT, exitCodeOf } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";

/** What `aura run --json` prints at its end. Stable: scripts rely on it. */
export interface RunDocument {
  readonly runId: string;
  readonly workflowId: string;
  readonly model: string;
  readonly version: number | null;
  readonly digest: string | null;
  readonly dataset: string | null;
  /** null: it failed, was cancelled, or was not waited for. */
  readonly outcome: RunOutcome | null;
  /** Whether this version is the champion now: `promoted` or `unchanged`. */
  readonly promoted: boolean;
  readonly metrics: {
    readonly test: Readonly<Record<string, number>>;
    readonly cv: Readonly<Record<string, number>>;
  };
  readonly gates: RunView["gates"] & object;
  readonly approvalId: string | null;
  /** Milliseconds by stage; `total` is the whole command, `platformStart` what of it the platform took to start. */
  readonly timingsMs: Readonly<Record<string, number>>;
  readonly error?: RunError;
}

export interface RunTimes {
  readonly totalMs: number;
  readonly platformStartMs: number;
}

export function runDocument(view: RunView, { totalMs, platformStartMs }: RunTimes): RunDocument {
  const outcome = outcomeOf(view);
  const stages = view.stages.flatMap(({ stage, ms }) => (ms === undefined ? [] : [[stage, ms] as const]));
  return {
    runId: view.runId,
    workflowId: view.workflowId,
    model: view.model,
    version: view.version ?? null,
    digest: view.digest ?? null,
    dataset: view.dataset ?? null,
    outcome,
    promoted: outcome === "promoted" || outcome === "unchanged",
    metrics: view.metrics ?? { test: {}, cv: {} },
    gates: view.gates ?? [],
    approvalId: view.approvalId ?? null,
    timingsMs: {
      ...Object.fromEntries(stages),
      platformStart: Math.round(platformStartMs),
      total: Math.round(totalMs),
    },
    ...(view.error === undefined ? {} : { error: view.error }),
  };
}

export function outcomeOf(view: RunView): RunOutcome | null {
  return view.outcome ?? (view.status === "waiting" ? "waiting" : null);
}

/** What the process ends with for a run as it stands. */
export function runExitCode(view: RunView): ExitCode {
  const error = runError(view);
  if (error !== undefined) return exitCodeOf(error);
  switch (outcomeOf(view)) {
    case "refused":
    case "rolled_back":
      return EXIT.gateRefused;
    case "rejected":
    case "expired":
    case "aborted":
      return EXIT.rejectedOrExpired;
    case "waiting":
      return EXIT.waiting;
    case "promoted":
    case "unchanged":
    case null:
      return EXIT.ok;
    default:
      return EXIT.fault;
  }
}

/** The failure of a run as the error it was; undefined for a run that did not fail. */
export function runError(view: RunView): PlatformError | undefined {
  if (view.error === undefined) return undefined;
  const { code, message, locations = [] } = view.error;
  return new PlatformError(knownCode(code), message, { locations });
}
