import { confirmDrift } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import type { RecordedConfirmation, SeenDrift } from "./recorded-report.ts";

export interface ConfirmQuestion {
  /** Of the whole window. */
  readonly report: DriftReport;
  /** Of the window, ISO 8601. */
  readonly start: string;
  readonly end: string;
  /** Drift that the check before this one stood at. */
  readonly seen: SeenDrift | undefined;
  readonly confirmations: number;
  /** Compares the rows of the window from a time on. */
  compareSince(since: string): Promise<DriftReport>;
}

/**
 * Whether drift is confirmed by rows that the checks before have not seen.
 *
 * Windows overlap when checks come more often than a window is long: a second look at much the same rows would say the same and
 * confirm nothing. So each row counts once. After a check that says drift, the next one is asked about the rows since then:
 *
 *   drift again, in some of the same columns   one window more, up to `confirmations`
 *   drift elsewhere                            the count starts anew with it
 *   none                                       it was chance, or is over: none is left to confirm
 *   too few rows as yet                        it stands as it stood; the next check is asked about more
 *
 * A window without any drift, or without a verdict, starts the count anew as well.
 */
export async function confirmWindow(question: ConfirmQuestion): Promise<RecordedConfirmation> {
  const { report, start, end, seen, confirmations } = question;
  if (report.state !== "drift") return { stage: "none", drifted: [] };
  // One look is enough: there is nothing to be held against another.
  const isNew = confirmations === 1 || seen === undefined || seen.end <= start;
  const fresh = isNew ? report : await question.compareSince(seen.end);
  const nFreshRows = fresh.nRows;
  const earlier = (seen?.windows ?? []).map((drifted) => ({ state: "drift", drifted }) as const);
  const [last, ...before] = earlier;
  if (fresh.state === "insufficient_data" && last !== undefined)
    return {
      ...confirmDrift(last, before, confirmations),
      nFreshRows,
      ...(seen === undefined ? {} : { seen }),
    };
  const verdict = { state: fresh.state, drifted: driftedNames(fresh) };
  const confirmation = confirmDrift(verdict, earlier, confirmations);
  // What the rows before say was told already, and these say otherwise.
  if (fresh.state !== "drift") return { ...confirmation, stage: "suspected", nFreshRows };
  const windows = [verdict.drifted, ...(seen?.windows ?? [])].slice(0, confirmations);
  return { ...confirmation, nFreshRows, seen: { end, windows } };
}
