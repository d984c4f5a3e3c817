import type { FeatureView } from "../features/feature-view.ts";
import { neededHistory } from "../features/needed-history.ts";
import type { ReplayRequest } from "../stores/postgres/port/online.ts";

/** Of an exponential mean, what is older than so many half-lives weighs less than 1e-14. */
const HALF_LIVES = 48;
/** Readings beyond those needed, as some may be left out. */
const SPARE_RATIO = 1.25;
const SPARE_READINGS = 16;

const known = new WeakMap<FeatureView, Pick<ReplayRequest, "isWhole" | "readings" | "micros">>();

/** How far back the readings have to be read for the features to be those of the whole history. */
export function replayDepth(view: FeatureView): Pick<ReplayRequest, "isWhole" | "readings" | "micros"> {
  let depth = known.get(view);
  if (depth === undefined) {
    const { readings, micros, isLifelong } = neededHistory(view);
    const halfLives = view.features.map(({ args }) => (args as { halfLife?: number }).halfLife ?? 0);
    const most = Math.max(readings, Math.ceil(HALF_LIVES * Math.max(0, ...halfLives)));
    depth = { isWhole: isLifelong, readings: Math.ceil(most * SPARE_RATIO) + SPARE_READINGS, micros };
    known.set(view, depth);
  }
  return depth;
}
