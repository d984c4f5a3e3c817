import { evidenceGroups } from "../../activities/evaluation/evidence-groups.ts";
import type { DriftColumn } from "../../numerics/drift/reference.ts";
import type { Generator } from "../../numerics/random/generator.ts";

/** A kind of table that drift checks meet, drawn anew as often as asked for: rows of one law, so that no two drift. */
export interface TableKind {
  readonly name: string;
  readonly nReference: number;
  readonly nLive: number;
  draw(generator: Generator, nRows: number): Table;
}

export interface Table {
  readonly columns: DriftColumn[];
  readonly groups?: Int32Array;
}

export const N_COLUMNS = 21;

const names = Array.from({ length: N_COLUMNS }, (_, column) => `x${column}`);

type Draw = (generator: Generator, column: number) => number;

/** Columns that have nothing to do with each other. */
function independent(draw: Draw): TableKind["draw"] {
  return (generator, nRows) => ({
    columns: names.map((name, column) => ({
      name,
      kind: "numeric",
      values: Float64Array.from({ length: nRows }, () => draw(generator, column)),
    })),
  });
}

const normal: Draw = (generator) => generator.normal();

/** Student's t with 3 degrees of freedom. */
const heavyTailed: Draw = (generator) => {
  const squares = [1, 2, 3].reduce((sum) => sum + generator.normal() ** 2, 0);
  return generator.normal() / Math.sqrt(squares / 3);
};

/** Whole numbers, mostly zeros, constants, and levels at a limit. */
const discrete: Draw = (generator, column) => {
  const value = generator.normal();
  if (column % 4 === 0) return Math.round(2 * value);
  if (column % 4 === 1) return generator.next() < 0.9 ? 0 : value;
  if (column % 4 === 2) return 518.67;
  return Math.min(1, value);
};

/** Every sensor follows three causes, as those of one machine do. */
const correlated: TableKind["draw"] = (generator, nRows) => {
  const columns = names.map(() => new Float64Array(nRows));
  for (let row = 0; row < nRows; row++) {
    const causes = [generator.normal(), generator.normal(), generator.normal()];
    columns.forEach((values, column) => {
      values[row] = (causes[column % 3] ?? 0) + 0.5 * generator.normal();
    });
  }
  return {
    columns: columns.map((values, column) => ({ name: names[column] ?? "", kind: "numeric", values })),
  };
};

/** A third of the columns are categories, some of them with hundreds of rare ones; values are missing here and there. */
const mixed: TableKind["draw"] = (generator, nRows) => ({
  columns: names.map((name, column): DriftColumn => {
    if (column % 3 !== 0) {
      const share = column % 3 === 1 ? 0.05 : 0.002;
      const values = Float64Array.from({ length: nRows }, () =>
        generator.next() < share ? Number.NaN : generator.normal(),
      );
      return { name, kind: "numeric", values };
    }
    const nCategories = column % 2 === 0 ? 5 : 400;
    const values = Array.from({ length: nRows }, () =>
      generator.next() < 0.02 ? null : `c${Math.floor(generator.next() ** 2 * nCategories)}`,
    );
    return { name, kind: "categorical", values };
  }),
});

const ROWS_PER_ASSET = 50;

/** Machines with levels of their own: rows of one resemble each other, in some columns much. */
const fleet: TableKind["draw"] = (generator, nRows) => {
  const groups = Int32Array.from({ length: nRows }, (_, row) => Math.floor(row / ROWS_PER_ASSET));
  const nAssets = Math.ceil(nRows / ROWS_PER_ASSET);
  const columns = names.map((name, column): DriftColumn => {
    const levels = Float64Array.from({ length: nAssets }, () => generator.normal());
    const own = (column % 5) / 2;
    const values = Float64Array.from(groups, (asset) => own * (levels[asset] ?? 0) + generator.normal());
    return { name, kind: "numeric", values };
  });
  return { columns, groups };
};

/** One machine whose levels wander: a row says nearly what the one before said. */
const wandering: TableKind["draw"] = (generator, nRows) => ({
  columns: names.map((name): DriftColumn => {
    let value = generator.normal();
    const values = Float64Array.from({ length: nRows }, () => {
      value = 0.95 * value + Math.sqrt(1 - 0.95 ** 2) * generator.normal();
      return value;
    });
    return { name, kind: "numeric", values };
  }),
  groups: evidenceGroups(new Int32Array(nRows)),
});

/** What false alarms are counted on. */
export const TABLE_KINDS: readonly TableKind[] = [
  { name: "normal, 500 rows", nReference: 5_000, nLive: 500, draw: independent(normal) },
  { name: "normal, 2,000 rows", nReference: 5_000, nLive: 2_000, draw: independent(normal) },
  { name: "normal, as many as at training", nReference: 600, nLive: 600, draw: independent(normal) },
  { name: "normal, 20,000 rows", nReference: 20_000, nLive: 20_000, draw: independent(normal) },
  { name: "three common causes", nReference: 5_000, nLive: 1_000, draw: correlated },
  { name: "heavy tails", nReference: 5_000, nLive: 1_000, draw: independent(heavyTailed) },
  { name: "whole numbers, zeros, constants", nReference: 5_000, nLive: 1_000, draw: independent(discrete) },
  { name: "categories and missing values", nReference: 5_000, nLive: 1_000, draw: mixed },
  { name: "machines with levels of their own", nReference: 5_000, nLive: 1_500, draw: fleet },
  { name: "one machine, 0.95 correlation from row to row", nReference: 5_000, nLive: 1_500, draw: wandering },
];
