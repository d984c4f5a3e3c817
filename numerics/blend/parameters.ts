/** The settings of a blend of candidates. */
import type { ParametersOf } from "../parameter-table.ts";

export const BLEND_PARAMETERS = {
  weighting: {
    default: "equal",
    choices: ["equal", "fitted"],
    doc: "equal: the plain mean of the answers; fitted: shares that have the least squared error on out-of-fold answers, each fold judged with the shares of the others.",
  },
} as const;

export type BlendParameters = ParametersOf<typeof BLEND_PARAMETERS>;
