/**
 * The state of one rule for one asset, and what an observation makes of it. Pure: everything it goes by is in the state, which
 * is stored, so that whoever goes on after a crash goes on the same.
 *
 *             breach                 n of m, held for `for`
 *   quiet ─────────────► pending ─────────────────────────► raised
 *     ▲  no breach of m     │                                  │
 *     ├────────(withdrawn)──┘                                  │
 *     └────────(cleared)── beyond `clear`, and no breach of m ─┘
 *
 * Time is that of the readings. Nothing happens while none comes, and what comes after a gap says nothing of the time
 * between: a pending state begins anew, a raised one stays.
 */

/** How one value stands to the limits: beyond, between limit and `clear`, or clear. */
export type Verdict = "breach" | "between" | "clear";

/** What must hold. Times in ms. */
export interface AlarmCondition {
  readonly forMs: number;
  readonly gapMs: number;
  /** `hits` of the last `of` observations; at most 30, as they are bits of a number. */
  readonly hits: number;
  readonly of: number;
}

export interface AlarmState {
  /** `dismissed`: a person said that a silence is over, and nothing was heard since. */
  readonly phase: "quiet" | "pending" | "raised" | "dismissed";
  /** ms since 1970 of the first breach of this occurrence. */
  readonly since: number;
  /** ms since 1970 since when enough of them hold; null: not enough. */
  readonly metSince: number | null;
  /** The last observation. */
  readonly at: number;
  /** The last observations as bits, newest lowest: 1 = breach. */
  readonly recent: number;
}

export const QUIET: AlarmState = { phase: "quiet", since: 0, metSince: null, at: 0, recent: 0 };

/** What became of it; absent where the phase is as it was. */
export type AlarmChange = "pending" | "withdrawn" | "raised" | "cleared";

export interface AlarmStep {
  readonly state: AlarmState;
  readonly change?: AlarmChange;
}

/**
 * Takes one observation. One that is not newer than the last changes nothing.
 *
 * @param at ms since 1970
 */
export function observe(
  state: AlarmState,
  condition: AlarmCondition,
  { at, verdict }: { readonly at: number; readonly verdict: Verdict },
): AlarmStep {
  if (at <= state.at) return { state };
  const isGap = state.at > 0 && at - state.at > condition.gapMs;
  const mask = condition.of >= 31 ? 0x7fff_ffff : (1 << condition.of) - 1;
  const isBreach = verdict === "breach";
  const before = isGap ? 0 : state.recent;
  const recent = ((before << 1) | (isBreach ? 1 : 0)) & mask;
  if (state.phase === "raised") {
    if (verdict === "clear" && recent === 0) return { state: { ...QUIET, at }, change: "cleared" };
    return { state: { ...state, at, recent } };
  }
  if (recent === 0) {
    const quiet = { ...QUIET, at };
    return state.phase === "pending" ? { state: quiet, change: "withdrawn" } : { state: quiet };
  }
  return breached(state, condition, { at, recent, isGap });
}

function breached(
  state: AlarmState,
  condition: AlarmCondition,
  { at, recent, isGap }: { readonly at: number; readonly recent: number; readonly isGap: boolean },
): AlarmStep {
  const isMet = bitsOf(recent) >= condition.hits;
  const metSince = isMet ? ((isGap ? null : state.metSince) ?? at) : null;
  const since = state.phase === "pending" && !isGap ? state.since : at;
  if (metSince !== null && at - metSince >= condition.forMs) {
    return { state: { phase: "raised", since, metSince, at, recent }, change: "raised" };
  }
  const pending: AlarmState = { phase: "pending", since, metSince, at, recent };
  return state.phase === "pending" ? { state: pending } : { state: pending, change: "pending" };
}

function bitsOf(bits: number): number {
  let n = 0;
  for (let left = bits; left !== 0; left &= left - 1) n += 1;
  return n;
}

/** From this share of the silence that fires on, an asset is pending: its deadline is in sight. */
const PENDING_SHARE = 0.75;

export interface Silence {
  /** ms since 1970 of this look. */
  readonly at: number;
  /** ms since 1970 of the last reading; null: there was none. */
  readonly heardAt: number | null;
  /** ms since 1970 from which on a reading would have been heard. */
  readonly listeningSince: number;
  /** ms since 1970 at which its device said farewell; null: it did not. */
  readonly goneSince: number | null;
}

/** Silence: the one condition that time alone fulfils, as far as somebody listened. */
export function observeSilence(
  state: AlarmState,
  afterMs: number,
  { at, heardAt, listeningSince, goneSince }: Silence,
): AlarmStep {
  const isHeard = heardAt !== null && heardAt > state.since;
  // Only a reading ends an alarm: that nobody listened is no sign of life.
  if (state.phase === "raised") return isHeard ? { state: { ...QUIET, at }, change: "cleared" } : { state };
  if (state.phase === "dismissed") return { state: isHeard ? { ...QUIET, at } : state };
  // What was heard after a farewell is stronger than it.
  const isGone = goneSince !== null && (heardAt === null || goneSince > heardAt);
  const since = isGone ? goneSince : Math.max(heardAt ?? listeningSince, listeningSince);
  if (isGone || at - since >= afterMs)
    return { state: { ...QUIET, phase: "raised", since, at }, change: "raised" };
  if (at - since >= afterMs * PENDING_SHARE) {
    if (state.phase === "pending") return { state };
    return { state: { ...QUIET, phase: "pending", since, at }, change: "pending" };
  }
  return state.phase === "pending" ? { state: QUIET, change: "withdrawn" } : { state };
}

/**
 * A pending state that no reading has confirmed for longer than readings may be apart is over: nobody knows.
 *
 * @param heardAt ms since 1970 at which its asset was heard of, which may be long after the time of the reading
 */
export function isForgotten(
  { phase }: AlarmState,
  { gapMs }: AlarmCondition,
  { now, heardAt }: { readonly now: number; readonly heardAt: number },
): boolean {
  return phase === "pending" && now - heardAt > gapMs;
}
