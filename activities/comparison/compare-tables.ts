import { canonicalJson } from "../../schemas/canonical-json.ts";
import type { ColumnStats, DataDiff, RowChanges, TableDiff } from "../../schemas/data/data-diff.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { DataColumn, DataTable } from "./data-tables.ts";
import { haveEqualParts } from "./data-tables.ts";

/** Reads figures and rows of tables; asked only where the bytes differ. */
export interface TableReader {
  stats(table: DataTable, columns: readonly DataColumn[]): Promise<ColumnStats[]>;
  /** `common`: columns of both, as each has them. undefined: too many rows. */
  rows(
    sides: { readonly left: DataTable; readonly right: DataTable },
    common: readonly { readonly before: DataColumn; readonly column: DataColumn }[],
  ): Promise<RowChanges | undefined>;
}

/** Tables of both sides by name; figures are read only where the bytes differ. */
export async function compareTables(
  a: readonly DataTable[],
  b: readonly DataTable[],
  read: TableReader,
): Promise<TableDiff[]> {
  const names = [...new Set([...a, ...b].map(({ name }) => name))].sort();
  const diffs: TableDiff[] = [];
  for (const name of names) {
    const left = a.find((table) => table.name === name);
    const right = b.find((table) => table.name === name);
    diffs.push(await compareTable(name, { left, right, read }));
  }
  return diffs;
}

async function compareTable(
  name: string,
  { left, right, read }: { left: DataTable | undefined; right: DataTable | undefined; read: TableReader },
): Promise<TableDiff> {
  const sides = {
    name,
    rows: { a: left?.rows ?? null, b: right?.rows ?? null },
    assets: { a: left?.assets ?? null, b: right?.assets ?? null },
  };
  if (left === undefined || right === undefined)
    return { ...sides, change: left === undefined ? "added" : "removed", schema: [], columns: [] };
  const schema = schemaChanges(left.columns, right.columns);
  if (schema.length === 0 && haveEqualParts(left, right))
    return { ...sides, change: "equal", schema, columns: [] };
  // In the order of `right`; what has become something else is told by the schema alone.
  const pairs = right.columns.flatMap((column) => {
    const before = left.columns.find((one) => one.name === column.name && one.form === column.form);
    return before === undefined ? [] : [{ before, column }];
  });
  const statsA = await read.stats(
    left,
    pairs.map(({ before }) => before),
  );
  const statsB = await read.stats(
    right,
    pairs.map(({ column }) => column),
  );
  const columns = pairs.map(({ column }, i) => {
    const [one, other] = [statsA[i] as ColumnStats, statsB[i] as ColumnStats];
    const isChanged = canonicalJson({ ...one, rows: 0 }) !== canonicalJson({ ...other, rows: 0 });
    return { name: column.name, isChanged, a: one, b: other };
  });
  const changes = await read.rows({ left, right }, pairs);
  return { ...sides, change: "changed", ...(changes === undefined ? {} : { changes }), schema, columns };
}

function schemaChanges(a: readonly DataColumn[], b: readonly DataColumn[]): TableDiff["schema"] {
  const formOf = (columns: readonly DataColumn[]) => new Map(columns.map(({ name, form }) => [name, form]));
  const [before, after] = [formOf(a), formOf(b)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((column) => {
    const sides = { a: before.get(column) ?? null, b: after.get(column) ?? null };
    if (sides.a === sides.b) return [];
    const change = sides.a === null ? "added" : sides.b === null ? "removed" : "changed";
    return [{ column, change, ...sides }] as TableDiff["schema"];
  });
}

/** Originals by name: the same name with other bytes is a changed file. */
export function compareFiles(a: DatasetManifest["raw"], b: DatasetManifest["raw"]): DataDiff["files"] {
  const hashOf = (raw: DatasetManifest["raw"]) =>
    new Map(raw.map(({ name, object }) => [name, object.sha256]));
  const [before, after] = [hashOf(a), hashOf(b)];
  const both = [...after.keys()].filter((name) => before.has(name));
  const changed = both.filter((name) => before.get(name) !== after.get(name));
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed,
    nEqual: both.length - changed.length,
  };
}
