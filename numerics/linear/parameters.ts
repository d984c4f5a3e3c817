/** The settings of ridge and logistic regression. */
import type { ParametersOf } from "../parameter-table.ts";

export const LINEAR_PARAMETERS = {
  lambdaL2: {
    default: 1,
    min: 0,
    max: 1e9,
    unit: "weight",
    doc: "L2 penalty on the coefficients of standardised features; the intercept is free. 1/C of scikit-learn.",
  },
  maxIterations: {
    default: 500,
    min: 1,
    max: 100_000,
    isInteger: true,
    unit: "steps",
    doc: "Most solver steps for classes; regression is solved in one.",
  },
  tolerance: {
    default: 1e-7,
    min: 0,
    isAboveMin: true,
    max: 1,
    unit: "ratio",
    doc: "Solved when no entry of the gradient of the mean loss is larger.",
  },
} as const;

export type LinearParameters = ParametersOf<typeof LINEAR_PARAMETERS>;
