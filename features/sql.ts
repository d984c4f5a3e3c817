import type { FittedState } from "../schemas/data/feature-set.ts";
import { baseLayer, WEIGHT_ALIAS } from "./base-layer.ts";
import { formulaNames, parseFormula } from "./expression/parser.ts";
import type { FeatureView } from "./feature-view.ts";
import { labelSql } from "./labels/label-sql.ts";
import type { LabelSql } from "./labels/label-sql.ts";
import { OPERATORS } from "./operators/table.ts";
import { SqlPlan } from "./sql-plan.ts";
import type { SourceTables } from "./sql-plan.ts";
import { cleanSql } from "./sql-text.ts";

export interface FeatureSqlInput {
  readonly view: FeatureView;
  readonly fitted: FittedState;
  /** Table expression per source; the readings may be one shard, whose assets are complete. */
  readonly tables: SourceTables;
  /** Table expression over all shards of the readings, for row-number labels; default: the readings. */
  readonly allReadings?: string;
  /** Class labels in code order (`learnClassLabels`). */
  readonly classLabels?: readonly string[];
  /** false: score without labels; `__y` and `__y_raw` are NULL. Default true. */
  readonly hasLabel?: boolean;
  /** Computes windows far from the first value of a series, at some cost; false: fails with `FAR_WINDOW` at one. Default true. */
  readonly isExact?: boolean;
}

/**
 * One SELECT of the physical columns of a feature set: keys, `__y`, `__y_raw`, `__last`, `f0` …, with what the label
 * adds (`LabelSql.more`), and `__weight` where rows have one.
 *
 * The rows come in no particular order; write them ordered by `__asset, __t, __seq`.
 */
export function featureSql(input: FeatureSqlInput): string {
  const { view, fitted } = input;
  const readings = input.tables[view.source];
  if (readings === undefined) throw new RangeError(`feature SQL: no files were given for ${view.source}`);
  const base = baseLayer({ view, fitted, readings, hasLabel: input.hasLabel !== false });
  const plan = new SqlPlan({
    view,
    tables: input.tables,
    base,
    codes: (feature) => fitted.categories?.[feature] ?? [],
    isExact: input.isExact !== false,
  });
  const levels = featureLevels(view);
  const perLevel = new Map<number, string[]>();
  view.features.forEach((feature, i) => {
    const sql = OPERATORS[feature.operator].sql(feature.args, plan, feature.name);
    const level = levels[i] ?? 0;
    perLevel.set(level, [...(perLevel.get(level) ?? []), `${cleanSql(sql)} AS ${feature.physical}`]);
    plan.defineFeature(feature.name, feature.physical);
  });
  const label: LabelSql =
    input.hasLabel === false
      ? { y: "NULL::DOUBLE", raw: "NULL::DOUBLE" }
      : labelSql(view.label, {
          plan,
          view,
          classLabels: input.classLabels ?? [],
          allReadings: input.allReadings ?? readings,
        });
  const hasWeight = view.weight !== undefined && input.hasLabel !== false;
  const more = [
    ...(label.more ?? []),
    ...(hasWeight ? [{ name: WEIGHT_ALIAS, sql: `b.${WEIGHT_ALIAS}` }] : []),
  ];
  const last = view.hasAsset ? `${plan.window("lead(__seq)")} IS NULL` : "true";
  const keys = [
    "b.__asset",
    "b.__t",
    "b.__seq",
    "b.__part",
    `CAST(${label.y} AS DOUBLE) AS __y`,
    `CAST(${label.raw} AS DOUBLE) AS __y_raw`,
    `${last} AS __last`,
    ...more.map(({ name, sql }) => `CAST(${sql} AS DOUBLE) AS ${name}`),
  ];
  return nested(plan, {
    keys,
    more: more.map(({ name }) => name),
    perLevel,
    view,
    columns: [...base.numbers.values()],
  });
}

interface FinalLayers {
  readonly keys: readonly string[];
  /** Names of the keys that not every set has. */
  readonly more: readonly string[];
  readonly perLevel: ReadonlyMap<number, readonly string[]>;
  readonly view: FeatureView;
  readonly columns: readonly string[];
}

/** Features over features are computed in layers of their own, so that each is computed once. */
function nested(plan: SqlPlan, { keys, more, perLevel, view, columns }: FinalLayers): string {
  const first = [...keys, ...(perLevel.get(0) ?? [])];
  const isNested = perLevel.size > (perLevel.has(0) ? 1 : 0);
  if (!isNested) return `SELECT ${first.join(",\n  ")}\nFROM ${plan.from()}`;
  const carried = columns.map((alias) => `b.${alias}`);
  let sql = `SELECT ${[...first, ...carried].join(",\n  ")}\nFROM ${plan.from()}`;
  for (const level of [...perLevel.keys()].filter((l) => l > 0).sort((a, b) => a - b)) {
    sql = `SELECT *,\n  ${(perLevel.get(level) ?? []).join(",\n  ")}\nFROM (${sql})`;
  }
  const names = [...more, ...view.features.map((feature) => feature.physical)];
  return `SELECT __asset, __t, __seq, __part, __y, __y_raw, __last, ${names.join(", ")}\nFROM (${sql})`;
}

/** 0 for features over columns; one above the highest it uses for an expression over features. */
function featureLevels(view: FeatureView): number[] {
  const byName = new Map<string, number>();
  return view.features.map((feature) => {
    let level = 0;
    if ("formula" in feature.args) {
      const names = formulaNames(parseFormula(String(feature.args.formula)));
      level = Math.max(0, ...names.map((name) => byName.get(name) ?? 0)) + 1;
    }
    byName.set(feature.name, level);
    return level;
  });
}
