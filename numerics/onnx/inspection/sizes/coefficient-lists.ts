/**
 * Lengths of the coefficient lists of linear and support vector models, which a runtime multiplies with its rows without
 * asking how long they are: a list too short is a read beyond its end.
 */
import { integerOf, shapeOf } from "./ruled-node.ts";
import type { RuledNode } from "./ruled-node.ts";

const MAX_TARGETS = 10_000;
const LABEL_LISTS = ["classlabels_int64s", "classlabels_ints", "classlabels_strings"];

const lengthOf = ({ attributes }: RuledNode, name: string): number => attributes.get(name)?.length ?? 0;

/** How many classes a classifier names. */
export function countLabels(node: RuledNode): number {
  return Math.max(...LABEL_LISTS.map((name) => lengthOf(node, name)));
}

/** Columns of scores of a support vector classifier: one for each class, or for each pair of them. */
export function countSvmColumns(node: RuledNode): number {
  const nClasses = countLabels(node);
  const isByPair = countVectors(node) > 0 && lengthOf(node, "prob_a") === 0;
  return isByPair && nClasses > 2 ? pairsOf(nClasses) : nClasses;
}

const pairsOf = (nClasses: number): number => (nClasses * (nClasses - 1)) / 2;

/** Support vectors of all classes together. */
function countVectors({ attributes }: RuledNode): number {
  const { integers = [], length = 0 } = attributes.get("vectors_per_class") ?? {};
  if (integers.length !== length) return Number.NaN;
  return integers.every((count) => count >= 0) ? integers.reduce((sum, count) => sum + count, 0) : Number.NaN;
}

/** [what it is called, how many entries it must have, how many it has] */
type Expected = readonly [string, number, number];

const RULES: Readonly<Record<string, (node: RuledNode, width: number) => readonly Expected[]>> = {
  LinearRegressor: linearRegressor,
  LinearClassifier: linearClassifier,
  SVMRegressor: svmRegressor,
  SVMClassifier: svmClassifier,
  Scaler: (node, width) => ["offset", "scale"].map((name) => oneOrAll(node, name, width)),
  Imputer: (node, width) =>
    ["imputed_value_floats", "imputed_value_int64s"]
      .filter((name) => lengthOf(node, name) > 0)
      .map((name) => oneOrAll(node, name, width)),
};

/** @returns what is wrong with the lists of a node, where it has such; null: nothing */
export function refusalOfLists(node: RuledNode): string | null {
  const rule = Object.hasOwn(RULES, node.operator) ? RULES[node.operator] : undefined;
  if (node.operator === "FeatureVectorizer") return refusalOfJoined(node);
  if (rule === undefined) return null;
  const shape = shapeOf(node, 0);
  const [, width] = shape ?? [];
  if (shape?.length !== 2 || width === undefined || width.varies || Number.isNaN(width.value))
    return "its input must be a table of rows and columns";
  const [wrong] = rule(node, width.value).filter(([, expected, found]) => expected !== found);
  if (wrong === undefined) return null;
  const [name, expected, found] = wrong;
  return `${name} must have ${Number.isNaN(expected) ? "another number of" : expected} entries, got ${found}`;
}

/** Tables side by side, each of as many columns as the node says. */
function refusalOfJoined(node: RuledNode): string | null {
  const { integers = [] } = node.attributes.get("inputdimensions") ?? {};
  const widths = node.inputs.map(({ shape }) => (shape?.length === 2 ? shape[1]?.value : Number.NaN));
  const isRight =
    widths.length === integers.length && widths.every((width, place) => width === integers[place]);
  return isRight ? null : `inputdimensions must be ${widths.join(", ")}, is ${integers.join(", ")}`;
}

function oneOrAll(node: RuledNode, name: string, width: number): Expected {
  const length = lengthOf(node, name);
  return [name, length === 1 ? 1 : width, length];
}

function linearRegressor(node: RuledNode, width: number): readonly Expected[] {
  const nTargets = integerOf(node, "targets", 1);
  const known = nTargets >= 1 && nTargets <= MAX_TARGETS ? nTargets : Number.NaN;
  return [["coefficients", known * width, lengthOf(node, "coefficients")]];
}

function linearClassifier(node: RuledNode, width: number): readonly Expected[] {
  const nScores = lengthOf(node, "intercepts");
  const nLabels = countLabels(node);
  return [
    ["coefficients", Math.max(1, nScores) * width, lengthOf(node, "coefficients")],
    // One score is that of the second of two classes.
    ["intercepts", nScores === 1 && nLabels === 2 ? 1 : nLabels, nScores],
  ];
}

function svmRegressor(node: RuledNode, width: number): readonly Expected[] {
  const nVectors = integerOf(node, "n_supports", 0);
  const isLinear = nVectors === 0;
  return [
    ["coefficients", isLinear ? width : nVectors, lengthOf(node, "coefficients")],
    ["support_vectors", isLinear ? 0 : nVectors * width, lengthOf(node, "support_vectors")],
    ["rho", 1, lengthOf(node, "rho")],
    kernelParams(node),
  ];
}

function svmClassifier(node: RuledNode, width: number): readonly Expected[] {
  const nClasses = countLabels(node);
  const nVectors = countVectors(node);
  const nCoefficients = nVectors === 0 ? nClasses * width : (nClasses - 1) * nVectors;
  const nPairs = nVectors === 0 ? lengthOf(node, "rho") : pairsOf(nClasses);
  const nProbabilities = lengthOf(node, "prob_a") === 0 ? 0 : nPairs;
  return [
    ["coefficients", Math.max(1, nCoefficients), lengthOf(node, "coefficients")],
    ["support_vectors", nVectors * width, lengthOf(node, "support_vectors")],
    ["vectors_per_class", nVectors === 0 ? 0 : nClasses, lengthOf(node, "vectors_per_class")],
    ["rho", Math.max(1, nPairs), lengthOf(node, "rho")],
    ["prob_a", nProbabilities, lengthOf(node, "prob_a")],
    ["prob_b", nProbabilities, lengthOf(node, "prob_b")],
    kernelParams(node),
  ];
}

/** Gamma, coefficient and degree. */
function kernelParams(node: RuledNode): Expected {
  const length = lengthOf(node, "kernel_params");
  return ["kernel_params", length === 0 ? 0 : 3, length];
}
