/** The settings of ridge, elastic net and logistic regression. */
import type { ParametersOf } from "../parameter-table.ts";

export const LINEAR_PARAMETERS = {
  lambdaL2: {
    default: 1,
    min: 0,
    max: 1e9,
    unit: "weight",
    doc: "L2 penalty on the coefficients of standardised features; the intercept is free. 1/C of scikit-learn.",
  },
  lambdaL1: {
    default: 0,
    min: 0,
    max: 1e9,
    unit: "weight",
    doc: "L1 penalty on the same coefficients, of regression only: columns that say little are left out. Elastic net where both are above 0.",
  },
  maxIterations: {
    default: 500,
    min: 1,
    max: 100_000,
    isInteger: true,
    unit: "steps",
    doc: "Most solver steps; regression without an L1 penalty is solved in one.",
  },
  tolerance: {
    default: 1e-7,
    min: 0,
    isAboveMin: true,
    max: 1,
    unit: "ratio",
    doc: "Solved when no entry of the gradient of the mean loss is larger; with an L1 penalty when no coefficient moves by more of the largest one.",
  },
} as const;

export type LinearParameters = ParametersOf<typeof LINEAR_PARAMETERS>;
