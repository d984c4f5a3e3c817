import { FORGOTTEN_HALF_LIVES } from "../features/operators/exponential.ts";
import { neededHistory } from "../features/needed-history.ts";
import type { ReplayRequest } from "../stores/postgres/port/online.ts";
import type { LiveModel } from "./live-model.ts";

/** An exponential mean is missing where its newest value is older than one such span, and knows nothing one span older than that. */
const HALF_LIVES = 2 * FORGOTTEN_HALF_LIVES;
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
