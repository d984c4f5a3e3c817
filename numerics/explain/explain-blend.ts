/**
 * Contributions to a blend. Members explain their margins, a blend averages their answers: contributions must pass
 * through each member's transform f.
 *
 * f(s) − f(s₀) is the integral of its gradient on the straight way from the expected margin s₀ to the row's s, so that
 *
 *   pull_kj = Σ_m mean over the way of ∂f_k / ∂s_m · contribution_mj
 *
 * sums to f_k(s) − f_k(s₀). For one output the mean slope is (f(s) − f(s₀)) / (s − s₀); softmax is integrated with
 * Simpson's rule in steps of at most 1/32 of a margin, an error below 1e-8.
 *
 * Where f is a number or a share of a forest, pulls are the contributions. Where it is a probability, they need not lie
 * between 0 and 1: log-odds of +70 and −68 at a slope of ¼ would read as +17 and −17. There the features that pull up
 * are one side and those that pull down the other; each side is worth what it adds on average over both orders in which
 * the two can come (its Shapley value in a game of two, at most 1), and its features share that by their pulls:
 *
 *   up = ½ [ f(s₀ + Σ up) − f(s₀) + f(s) − f(s₀ + Σ down) ],   down likewise,   up + down = f(s) − f(s₀)
 *
 * Source: Sundararajan et al. 2017 (arXiv:1703.01365), integrated gradients, over margins instead of inputs.
 */
import type { BlendModel, OutputCap, PostTransform, TrainedModel } from "../model.ts";
import { applyPostTransform } from "../model.ts";
import type { Explainer } from "./explainer.ts";

const STEP = 1 / 32;
/** Below this distance of margins the slope at the point stands for the mean slope. */
const SMALLEST_DISTANCE = 1e-9;

/** @param explainerOf explains a member */
export function explainBlend(model: BlendModel, explainerOf: (member: TrainedModel) => Explainer): Explainer {
  const { nFeatures, nOutputs, weights, memberCap } = model;
  const members = model.members.map((member, index) => {
    const explainer = explainerOf(member);
    const transform = { postTransform: member.postTransform, cap: memberCap };
    return { explainer, weight: weights[index], transform, start: answerOf(transform, explainer.expected) };
  });
  const expected = new Float64Array(nOutputs);
  for (const { weight, start } of members) start.forEach((value, k) => (expected[k] += weight * value));
  const own = new Float64Array(nOutputs * nFeatures);
  const pulls = new Float64Array(nOutputs * nFeatures);
  return {
    expected,
    explain(data, offset, contributions) {
      contributions.fill(0);
      for (const { explainer, weight, transform } of members) {
        explainer.explain(data, offset, own);
        const start = explainer.expected;
        const end = start.map((value, k) => value + sumOf(own, k * nFeatures, nFeatures));
        pulls.fill(0);
        addPulls(meanSlopes(transform, start, end), { own, nFeatures, nOutputs }, pulls);
        if (transform.postTransform === "sigmoid" || transform.postTransform === "softmax") {
          shareSides({ transform, start, end, own, nFeatures, nOutputs }, pulls);
        }
        for (let cell = 0; cell < pulls.length; cell++) contributions[cell] += weight * pulls[cell];
      }
    },
  };
}

interface Transform {
  readonly postTransform: PostTransform;
  readonly cap: OutputCap | undefined;
}

function answerOf({ postTransform, cap }: Transform, margins: Float64Array): Float64Array {
  const values = Float64Array.from(margins);
  applyPostTransform(postTransform, { values, nRows: 1, nOutputs: values.length });
  return cap === undefined ? values : values.map((value) => Math.min(cap.max, Math.max(cap.min, value)));
}

/** Float64Array (nOutputs × nOutputs), row k the mean of ∂f_k / ∂s_m over the way. */
function meanSlopes(transform: Transform, start: Float64Array, end: Float64Array): Float64Array {
  const nOutputs = start.length;
  const slopes = new Float64Array(nOutputs * nOutputs);
  if (transform.postTransform === "softmax") {
    addSoftmaxSlopes(start, end, slopes);
    return slopes;
  }
  // Shares of forests sum to 1 before the division, so that each output moves with its own margin.
  const [from, to] = [answerOf(transform, start), answerOf(transform, end)];
  for (let k = 0; k < nOutputs; k++) {
    const distance = end[k] - start[k];
    const isFar = Math.abs(distance) > SMALLEST_DISTANCE;
    slopes[k * nOutputs + k] = isFar ? (to[k] - from[k]) / distance : slopeAt(transform.postTransform, to[k]);
  }
  return slopes;
}

/** f′ where the answer is `value`. */
function slopeAt(postTransform: PostTransform, value: number): number {
  switch (postTransform) {
    case "sigmoid":
      return value * (1 - value);
    case "exponential":
      return value;
    case "identity":
    case "probability":
    case "softmax":
      return 1;
  }
}

function addSoftmaxSlopes(start: Float64Array, end: Float64Array, slopes: Float64Array): void {
  const nOutputs = start.length;
  const distance = end.reduce((most, value, k) => Math.max(most, Math.abs(value - start[k])), 0);
  const nSteps = 2 * Math.max(4, Math.ceil(distance / STEP / 2));
  const margins = new Float64Array(nOutputs);
  for (let step = 0; step <= nSteps; step++) {
    const share = step / nSteps;
    const factor = (step === 0 || step === nSteps ? 1 : step % 2 === 1 ? 4 : 2) / (3 * nSteps);
    for (let k = 0; k < nOutputs; k++) margins[k] = start[k] + share * (end[k] - start[k]);
    applyPostTransform("softmax", { values: margins, nRows: 1, nOutputs });
    for (let k = 0; k < nOutputs; k++) {
      for (let m = 0; m < nOutputs; m++) {
        slopes[k * nOutputs + m] += factor * margins[k] * ((k === m ? 1 : 0) - margins[m]);
      }
    }
  }
}

/** A member's own contributions, margin by margin. */
interface MemberTerms {
  readonly own: Float64Array;
  readonly nFeatures: number;
  readonly nOutputs: number;
}

function addPulls(
  slopes: Float64Array,
  { own, nFeatures, nOutputs }: MemberTerms,
  pulls: Float64Array,
): void {
  for (let k = 0; k < nOutputs; k++) {
    for (let m = 0; m < nOutputs; m++) {
      const slope = slopes[k * nOutputs + m];
      if (slope === 0) continue;
      for (let j = 0; j < nFeatures; j++) pulls[k * nFeatures + j] += slope * own[m * nFeatures + j];
    }
  }
}

interface MemberWay extends MemberTerms {
  readonly transform: Transform;
  readonly start: Float64Array;
  readonly end: Float64Array;
}

/** Scales the pulls of either side of each output to what the side is worth. */
function shareSides(way: MemberWay, pulls: Float64Array): void {
  const { transform, start, end, nFeatures, nOutputs } = way;
  const [from, to] = [answerOf(transform, start), answerOf(transform, end)];
  for (let k = 0; k < nOutputs; k++) {
    const ofOutput = pulls.subarray(k * nFeatures, (k + 1) * nFeatures);
    const [up, down] = [1, -1].map((sign) => answerOf(transform, marginsWith(way, ofOutput, sign))[k]);
    const worth = {
      up: (up - from[k] + to[k] - down) / 2,
      down: (down - from[k] + to[k] - up) / 2,
    };
    let [sumUp, sumDown] = [0, 0];
    for (const pull of ofOutput) {
      if (pull > 0) sumUp += pull;
      else sumDown += pull;
    }
    for (let j = 0; j < nFeatures; j++) {
      if (ofOutput[j] === 0) continue;
      ofOutput[j] = ofOutput[j] > 0 ? worth.up * (ofOutput[j] / sumUp) : worth.down * (ofOutput[j] / sumDown);
    }
  }
}

/** Margins where only the features of one side are known. */
function marginsWith({ start, own, nFeatures }: MemberWay, pulls: Float64Array, sign: number): Float64Array {
  return start.map((value, m) => {
    let margin = value;
    for (let j = 0; j < nFeatures; j++) if (pulls[j] * sign > 0) margin += own[m * nFeatures + j];
    return margin;
  });
}

function sumOf(values: Float64Array, begin: number, length: number): number {
  let sum = 0;
  for (let index = begin; index < begin + length; index++) sum += values[index];
  return sum;
}
