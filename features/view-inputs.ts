import { formulaNames, parseFormula } from "./expression/parser.ts";
import type { FeatureView, ViewColumn } from "./feature-view.ts";
import { neededHistory } from "./needed-history.ts";
import type { NeededHistory } from "./needed-history.ts";

/** What the features of a view need of an asset's readings. */
export interface ViewInputs {
  /** Columns of the readings that some feature is computed from; others of the view are not asked for. */
  readonly columns: readonly ViewColumn[];
  readonly needed: NeededHistory;
}

const known = new WeakMap<FeatureView, ViewInputs>();

/** Inputs of a view; computed once for each. */
export function inputsOf(view: FeatureView): ViewInputs {
  let inputs = known.get(view);
  if (inputs === undefined) known.set(view, (inputs = computeInputs(view)));
  return inputs;
}

/** Members that operators' arguments may have; which ones they have belongs to the operator. */
interface Args {
  readonly column?: string;
  readonly columns?: readonly string[];
  readonly left?: string;
  readonly right?: string;
}

function computeInputs(view: FeatureView): ViewInputs {
  const args = view.features
    // An attribute's column is one of another source.
    .filter(({ operator }) => operator !== "attribute")
    .map((feature) => feature.args as Args);
  const names = new Set(args.flatMap((a) => [a.column, a.left, a.right, ...(a.columns ?? [])]));
  // Expressions may use earlier ones: the last first.
  for (const { name, formula } of view.derived.toReversed()) {
    if (names.has(name)) for (const used of formulaNames(parseFormula(formula))) names.add(used);
  }
  const { regimes } = view;
  if (regimes?.normalize.some((name) => names.has(name)) === true)
    for (const name of regimes.columns) names.add(name);
  return {
    columns: view.columns.filter(({ name }) => names.has(name)),
    needed: neededHistory(view),
  };
}

/** Sources that operators of the view name in their arguments. */
export function otherSourcesOf(view: FeatureView): string[] {
  const sources = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [member, inner] of Object.entries(value)) {
      if (member === "source" && typeof inner === "string") sources.add(inner);
      else collect(inner);
    }
  };
  for (const { args } of view.features) collect(args);
  return [...sources];
}
