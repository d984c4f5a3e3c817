import type { OperatorName } from "../../schemas/pipeline/features.ts";
import { ageOperator } from "./age.ts";
import { attributeOperator } from "./attribute.ts";
import { baselineOperator } from "./baseline.ts";
import { categoryOperator } from "./category.ts";
import { correlationOperator } from "./correlation.ts";
import { currentOperator } from "./current.ts";
import { cyclicalOperator } from "./cyclical.ts";
import { differenceOperator } from "./difference.ts";
import { eventCountOperator } from "./event-count.ts";
import { expandingOperator } from "./expanding.ts";
import { exponentialOperator } from "./exponential.ts";
import { expressionOperator } from "./expression.ts";
import { lagOperator } from "./lag.ts";
import type { Operator } from "./operator.ts";
import { rollingOperator } from "./rolling.ts";
import { timeSinceOperator } from "./time-since.ts";

/**
 * Every operator of the feature language. A new one is one file, one line here and its parameters in
 * `schemas/pipeline/features.ts`.
 */
export const OPERATORS: Readonly<Record<OperatorName, Operator>> = {
  current: currentOperator,
  rolling: rollingOperator,
  lag: lagOperator,
  difference: differenceOperator,
  exponential: exponentialOperator,
  expanding: expandingOperator,
  baseline: baselineOperator,
  age: ageOperator,
  event_count: eventCountOperator,
  time_since: timeSinceOperator,
  attribute: attributeOperator,
  cyclical: cyclicalOperator,
  correlation: correlationOperator,
  category: categoryOperator,
  expression: expressionOperator,
};
