import type { TaskKind } from "../../task-kind.ts";
import { ABSOLUTE_ERROR } from "./absolute-error.ts";
import { CENSORED_NORMAL } from "./censored-normal.ts";
import { HUBER } from "./huber.ts";
import { LOG_LOSS } from "./log-loss.ts";
import { NASA_SCORE } from "./nasa-score.ts";
import type { Loss, ObjectiveName } from "./objective.ts";
import { QUANTILE } from "./quantile.ts";
import { SOFTMAX } from "./softmax.ts";
import { SQUARED_ERROR } from "./squared-error.ts";

/** Every loss that boosting knows. */
export const LOSSES: Readonly<Record<ObjectiveName, Loss>> = {
  squaredError: SQUARED_ERROR,
  absoluteError: ABSOLUTE_ERROR,
  huber: HUBER,
  quantile: QUANTILE,
  nasaScore: NASA_SCORE,
  censoredNormal: CENSORED_NORMAL,
  logLoss: LOG_LOSS,
  softmax: SOFTMAX,
};

/** What a task minimises unless told otherwise. */
export const DEFAULT_LOSS: Readonly<Record<TaskKind, ObjectiveName>> = {
  regression: "squaredError",
  binary: "logLoss",
  multiclass: "softmax",
};
