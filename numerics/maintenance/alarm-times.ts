/** When an alarm is raised: so many hits among the last answers, the newest among them. */
export interface AlarmRepeat {
  readonly hits: number;
  readonly of: number;
  /** So long after an alarm another is raised though the answers never recovered; absent: none is. In the unit of the times. */
  readonly again?: number;
}

/**
 * Times at which answers of one life raise an alarm. After one the next is raised only once `of` answers in a row did not hold, or
 * `again` later, as recommendations are opened.
 *
 * @param t     of the answers, ascending
 * @param holds whether each calls for maintenance; as many
 */
export function alarmTimes(
  t: ArrayLike<number>,
  holds: ArrayLike<boolean>,
  { hits, of, again = Infinity }: AlarmRepeat,
): number[] {
  const alarms: number[] = [];
  let isArmed = true;
  let nClear = 0;
  for (let i = 0; i < t.length; i++) {
    nClear = holds[i] ? 0 : nClear + 1;
    if (nClear >= of) isArmed = true;
    const isAgain = t[i] - (alarms.at(-1) ?? Infinity) >= again;
    if (!holds[i] || !(isArmed || isAgain)) continue;
    let nHits = 0;
    for (let j = Math.max(0, i - of + 1); j <= i; j++) if (holds[j]) nHits++;
    if (nHits < hits) continue;
    alarms.push(t[i]);
    isArmed = false;
  }
  return alarms;
}
