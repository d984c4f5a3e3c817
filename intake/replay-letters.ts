import { isPlatformError } from "../schemas/platform-error.ts";
import type { DeadLetterRow } from "../stores/postgres/port/dead-letters.ts";
import type { ReadingSink } from "./reading-intake.ts";

/** How replayed readings are counted. */
export const REPLAY_ADAPTER = "replay";

export interface LetterReplay {
  /** Ids of those whose readings are stored now, or were before. */
  readonly stored: readonly number[];
  /** Those of them that were there before, with the same values. */
  readonly duplicate: readonly number[];
  /** Those that still cannot be, and why. */
  readonly refused: readonly {
    readonly id: number;
    readonly message: string;
    /** Another reading stands in its place. */
    readonly isConflict: boolean;
  }[];
}

/** What was sent; of a very long reading only its beginning was kept, as text. */
export function letterReading(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

/**
 * Sends set-aside readings once more, as they are or mended. One that is stored and then not marked, because of a crash
 * in between, is found to be there when it is replayed again.
 *
 * @param mended by letter, in the place of what was sent
 * @throws {PlatformError} database_unavailable, too_many_readings
 */
export async function replayLetters(
  sink: Pick<ReadingSink, "submitWhole">,
  letters: readonly DeadLetterRow[],
  mended: ReadonlyMap<number, unknown> = new Map(),
): Promise<LetterReplay> {
  const stored: number[] = [];
  const duplicate: number[] = [];
  const refused: { id: number; message: string; isConflict: boolean }[] = [];
  await Promise.all(
    letters.map(async ({ id, source, body }) => {
      const reading = mended.has(id) ? mended.get(id) : letterReading(body);
      try {
        const reply = await sink.submitWhole(source, REPLAY_ADAPTER, [reading]);
        if (reply.conflict > 0) {
          refused.push({ id, message: `not stored: ${reply.problems[0]?.message}`, isConflict: true });
          return;
        }
        stored.push(id);
        if (reply.duplicate > 0) duplicate.push(id);
      } catch (error) {
        if (!isPlatformError(error) || error.isRetryable) throw error;
        refused.push({ id, message: error.message, isConflict: false });
      }
    }),
  );
  return { stored, duplicate, refused };
}
