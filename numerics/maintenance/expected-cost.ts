import { probabilityWithin, unusedLifeAt } from "./failure-time.ts";
import type { FailureTime } from "./failure-time.ts";

/** Costs of one asset, in one currency. */
export interface WorkCosts {
  /** Of a failure, and of planned work, each with its downtime. */
  readonly failure: number;
  readonly planned: number;
  /** Of a unit of remaining life that is thrown away, in the unit of the times. */
  readonly unusedLife: number;
}

export interface ExpectedCost {
  readonly acting: number;
  readonly waiting: number;
  /** Of a failure before the next opportunity. */
  readonly probability: number;
}

/**
 * What acting now and waiting for the next opportunity are expected to cost.
 *
 *     acting  = C_planned + c_life · max(0, r)
 *     waiting = P(o) · C_failure + (1 − P(o)) · (C_planned + c_life · max(0, r − o))
 *
 * with the remaining life r, the time o to the next opportunity, and P(o) the probability of a failure before it: at the
 * opportunity the work is done in any case. It is the one-period form of the cost of an age replacement (Barlow & Proschan
 * 1965, ch. 4): the failure is paid for with its probability, the plan with the rest.
 *
 * @param until o > 0, in the unit of the failure time
 */
export function expectedCost(time: FailureTime, costs: WorkCosts, until: number): ExpectedCost {
  if (!(until > 0)) throw new RangeError(`until: expected more than 0, got ${until}`);
  const probability = probabilityWithin(time, until);
  const { failure, planned, unusedLife } = costs;
  const later = planned + unusedLife * unusedLifeAt(time, until);
  return {
    acting: planned + unusedLife * unusedLifeAt(time, 0),
    waiting: probability * failure + (1 - probability) * later,
    probability,
  };
}
