import type { Answer } from "../../schemas/maintenance/answer.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { MaintenancePolicy } from "../../schemas/pipeline/maintenance.ts";

/** How the answers for one asset went. Of an asset that never called for maintenance there is none. */
export interface WatchState {
  /** The last ones, newest last: as many as `repeat.of`. */
  readonly answers: readonly Answer[];
  /** Answers in a row that did not hold. */
  readonly nClear: number;
  /** Whether one may be opened: from the last one on it may not, until the answers recover. */
  readonly isArmed: boolean;
  /** Place of the newest live answer in its series: it is seen twice where its transaction was. */
  readonly place: Place | null;
}

export interface Place {
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  readonly version: number;
}

/** What is known of the asset besides. */
export interface WatchAround {
  readonly policy: MaintenancePolicy;
  readonly isOpen: boolean;
  /** ms since 1970 of the end of the last one; undefined: there was none. */
  readonly endedAt: number | undefined;
  /** Whether that one failed: what it was about was never decided. */
  readonly hasFailed: boolean;
  /** ms since 1970. */
  readonly now: number;
}

export type WatchChange = "opened" | "recovered" | "newer" | "none";

/** After one has failed another is opened so much later, where the answers still ask for it. */
const AFTER_FAILURE_MS = 3_600_000;

export const UNWATCHED: WatchState = { answers: [], nClear: 0, isArmed: true, place: null };

/**
 * Takes an answer. One opens a recommendation where it holds, as `repeat` asks for it, and none is open; after one has ended
 * another is opened once `of` answers in a row did not hold, or `again` after its end, or an hour after it failed.
 *
 * @param place of a live answer; null: it is of a fleet score
 * @returns undefined: it is no news
 */
export function observe(
  state: WatchState,
  { answer, place }: { readonly answer: Answer; readonly place: Place | null },
  around: WatchAround,
): { readonly state: WatchState; readonly change: WatchChange } | undefined {
  if (!isNews(state, answer, place)) return undefined;
  const { policy, isOpen } = around;
  const { hits, of } = policy.when.repeat;
  const answers = [...state.answers, answer].slice(-of);
  const nClear = answer.holds ? 0 : state.nClear + 1;
  const isRecovered = answers.length >= of && answers.every(({ holds }) => !holds);
  const next = { answers, nClear, isArmed: state.isArmed || isRecovered, place: place ?? state.place };
  if (isOpen) {
    const isOver = policy.withdrawAfter !== undefined && nClear >= policy.withdrawAfter;
    return { state: next, change: isOver ? "recovered" : "newer" };
  }
  const isDue = answer.holds && answers.filter(({ holds }) => holds).length >= hits;
  if (!isDue || !(next.isArmed || isAgain(around))) return { state: next, change: "none" };
  return { state: { ...next, isArmed: false }, change: "opened" };
}

/** Whether nothing of it has to be remembered. */
export function isQuiet({ answers, isArmed }: WatchState): boolean {
  return isArmed && answers.every(({ holds }) => !holds);
}

function isAgain({ policy: { again }, endedAt, hasFailed, now }: WatchAround): boolean {
  if (endedAt === undefined) return false;
  const afterMs = Math.min(
    again === undefined ? Infinity : durationMs(again),
    hasFailed ? AFTER_FAILURE_MS : Infinity,
  );
  return now - endedAt >= afterMs;
}

/**
 * A live answer is news where its reading is newer, or another version scored it; of a fleet score what is newer than
 * everything before, where time is a timestamp: files of the past are scored as well.
 */
function isNews({ place: last, answers }: WatchState, answer: Answer, place: Place | null): boolean {
  if (place === null) {
    const newest = answers.at(-1);
    if (newest === undefined) return true;
    return answer.timeKind === "timestamp" ? answer.t > newest.t : answer.t !== newest.t;
  }
  if (last === null) return true;
  for (const part of ["epoch", "ts", "seq"] as const)
    if (place[part] !== last[part]) return place[part] > last[part];
  return place.version !== last.version;
}
