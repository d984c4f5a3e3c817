/** What a window came to, as far as the next ones need to know. */
export interface WindowVerdict {
  readonly state: "ok" | "drift" | "insufficient_data";
  /** names of what drifted; see `driftedNames` */
  readonly drifted: readonly string[];
}

/** Drift that several windows in a row agree on. */
export interface Confirmation {
  /** "suspected": this window says drift, and not yet enough windows before it */
  readonly stage: "none" | "suspected" | "confirmed";
  /** what drifted in all of these windows */
  readonly drifted: readonly string[];
}

/**
 * Whether drift is confirmed: some column drifted in this window and in each of the windows right before it.
 *
 * A chance alarm falls on another column each time, so it is not enough that each window found something. A window
 * without a verdict confirms nothing: after it the count starts anew.
 *
 * @param earlier       windows before this one of the same version, newest first
 * @param confirmations windows in a row that must agree, this one among them, ≥ 1
 */
export function confirmDrift(
  window: WindowVerdict,
  earlier: readonly WindowVerdict[],
  confirmations: number,
): Confirmation {
  if (window.state !== "drift") return { stage: "none", drifted: [] };
  const before = earlier.slice(0, confirmations - 1);
  const isEnough = before.length === confirmations - 1 && before.every(({ state }) => state === "drift");
  const lasting = window.drifted.filter((name) => before.every(({ drifted }) => drifted.includes(name)));
  return isEnough && lasting.length > 0
    ? { stage: "confirmed", drifted: lasting }
    : { stage: "suspected", drifted: window.drifted };
}
