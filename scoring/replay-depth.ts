import { neededHistory } from "../features/needed-history.ts";
import type { ReplayRequest } from "../stores/postgres/port/online.ts";
import type { LiveModel } from "./live-model.ts";

/**
 * Two blocks of an exponential mean: nothing older is ever in it. Where its blocks begin is not known without the whole life;
 * that makes a difference of 1e-9 only where a sensor has had no value for 34 half-lives.
 */
const HALF_LIVES = 128;
/** Readings beyond those needed, as some may be left out. */
const SPARE_RATIO = 1.25;
const SPARE_READINGS = 16;

/** How far back the readings have to be read for features and checks to be those of the whole history. */
export function replayDepth({
  view,
  online,
}: Pick<LiveModel, "view" | "online">): Pick<ReplayRequest, "isWhole" | "readings" | "micros"> {
  const { readings, micros, isLifelong } = neededHistory(view);
  const halfLives = view.features.map(({ args }) => (args as { halfLife?: number }).halfLife ?? 0);
  const most = Math.max(
    readings,
    Math.ceil(HALF_LIVES * Math.max(0, ...halfLives)),
    online.window + 1,
    ...Object.values(online.stuckAfter),
  );
  return { isWhole: isLifelong, readings: Math.ceil(most * SPARE_RATIO) + SPARE_READINGS, micros };
}
