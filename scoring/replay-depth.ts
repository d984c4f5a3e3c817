import { FORGOTTEN_HALF_LIVES } from "../features/operators/exponential.ts";
import { neededHistory } from "../features/needed-history.ts";
import type { ReplayRequest } from "../stores/postgres/port/online.ts";
import type { LiveModel } from "./live-model.ts";

/** An exponential mean is missing where its newest value is older than one such span, and knows nothing one span older than that. */
const HALF_LIVES = 2 * FORGOTTEN_HALF_LIVES;
/** Readings beyond those needed, as some may be left out. */
const SPARE_RATIO = 1.25;
const SPARE_READINGS = 16;

/** Where so many times as many are not enough, nearly all of an asset's readings are unfit, and its features with them. */
const MOST_TIMES = 64;

type Depth = Pick<ReplayRequest, "isWhole" | "readings" | "micros"> & {
  /** Good readings that features look back on. */
  readonly nGood: number;
};

/** How far back the readings have to be read for features and checks to be those of the whole history. */
export function replayDepth({ view, online }: Pick<LiveModel, "view" | "online">): Depth {
  const { readings, micros, isLifelong } = neededHistory(view);
  const halfLives = view.features.map(({ args }) => (args as { halfLife?: number }).halfLife ?? 0);
  const most = Math.max(
    readings,
    Math.ceil(HALF_LIVES * Math.max(0, ...halfLives)),
    online.window + 1,
    ...Object.values(online.stuckAfter),
  );
  const read = Math.ceil(most * SPARE_RATIO) + SPARE_READINGS;
  return { isWhole: isLifelong, readings: read, nGood: most, micros };
}

/**
 * Replays readings from far enough back, and from farther where too many of them were left out to make up for.
 *
 * @param replay  called with how far back; answers whether so many good readings were among them, or there are no more
 */
export async function replayFarEnough<R extends { readonly isEnough: boolean }>(
  depth: Depth,
  replay: (depth: Depth) => Promise<R>,
): Promise<R> {
  for (let times = 1; ; times *= 4) {
    const replayed = await replay({ ...depth, readings: depth.readings * times });
    if (replayed.isEnough || times >= MOST_TIMES) return replayed;
  }
}
