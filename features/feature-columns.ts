import { formulaNames, parseFormula } from "./expression/parser.ts";
import type { FeatureView } from "./feature-view.ts";

/** Members that operators' arguments may have. */
interface Args {
  readonly column?: string;
  readonly left?: string;
  readonly right?: string;
  readonly columns?: readonly string[];
  readonly formula?: string;
}

/**
 * Columns of the readings that each feature is computed from, through derived columns, regimes and features that it names.
 *
 * @returns by feature, in the order of the view
 */
export function columnsOfFeatures(view: FeatureView): readonly ReadonlySet<string>[] {
  const stored = new Set(view.columns.map(({ name }) => name));
  const derived = new Map(view.derived.map(({ name, formula }) => [name, formula]));
  const { regimes } = view;
  const reach = (name: string, into: Set<string>): void => {
    if (stored.has(name)) into.add(name);
    const formula = derived.get(name);
    if (formula !== undefined) for (const used of formulaNames(parseFormula(formula))) reach(used, into);
    if (regimes?.normalize.includes(name) === true) for (const column of regimes.columns) into.add(column);
  };
  const byName = new Map<string, ReadonlySet<string>>();
  return view.features.map(({ name, operator, args }) => {
    const columns = new Set<string>();
    // An attribute's column is one of another source.
    const {
      column,
      left,
      right,
      columns: several = [],
      formula,
    } = operator === "attribute" ? {} : (args as Args);
    for (const used of [column, left, right, ...several]) if (used !== undefined) reach(used, columns);
    if (formula !== undefined)
      for (const used of formulaNames(parseFormula(formula)))
        for (const inner of byName.get(used) ?? []) columns.add(inner);
    byName.set(name, columns);
    return columns;
  });
}
