import type { AliasEvent } from "../../../stores/postgres/port.ts";

/** What a rollback without a version starts from. */
export interface ChampionLine {
  /** Moves of the alias so far; names the present champion, also where a version is champion for the second time. */
  readonly position: number;
  /** Champion before the present one that was not left by a rollback; undefined where there is none. */
  readonly previous: number | undefined;
}

/**
 * Follows a model's champions from the first on. An approved version is put on top of those before it; a rollback takes
 * off all above the version it returns to, so that a second rollback goes further back and not forth again.
 *
 * @param history events of the model, oldest first
 */
export function championLine(history: readonly AliasEvent[]): ChampionLine {
  const events = history.filter(({ alias }) => alias === "champion");
  const line: number[] = [];
  for (const { version, approvalId } of events) {
    const at = approvalId === null ? line.lastIndexOf(version) : -1;
    if (at === -1) line.push(version);
    else line.length = at + 1;
  }
  return { position: events.length, previous: line.at(-2) };
}
