import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ColumnStats } from "../../schemas/data/data-diff.ts";
import { compareFiles, compareTables } from "./compare-tables.ts";
import type { TableReader } from "./compare-tables.ts";
import type { DataTable } from "./data-tables.ts";

const object = (text: string) => ({ key: "processed/parquet/a", sha256: sha256Hex(text), bytes: 1 });

/** `temperature:float, °C` is a column and its form. */
const table = (content: string, ...columns: string[]): DataTable => ({
  name: "readings",
  rows: content.length,
  assets: 2,
  columns: columns.map((text, i) => {
    const [name = "", form = ""] = text.split(":");
    return { name, physical: `v${i}`, isText: form === "text", form };
  }),
  parts: [{ object: object(content), rows: content.length, shard: 0 }],
});

const stats = (rows: number, mean: number): ColumnStats => ({
  rows,
  nullShare: 0,
  mean,
  std: 0,
  min: mean,
  max: mean,
  distinct: null,
});

/** The mean of a column is the length of its name, and of what changed one more for other rows. */
const changes = { equal: 1, changed: 1, added: 1, removed: 0 };
const read: TableReader = {
  stats: async (of, columns) =>
    columns.map(({ name }) =>
      stats(of.rows, name.length + (name.startsWith("moved") && of.rows > 2 ? 1 : 0)),
    ),
  rows: async (_sides, common) => (common.length === 0 ? undefined : changes),
};
const refusal = () => Promise.reject(new Error("equal bytes are not read"));
const never: TableReader = { stats: refusal, rows: refusal };

describe("compareTables", () => {
  it("reads nothing where the bytes are equal", async () => {
    const one = table("ab", "t:float");
    expect(await compareTables([one], [one], never)).toMatchObject([{ change: "equal", columns: [] }]);
  });

  it("tells of what only one side has", async () => {
    const one = table("ab", "t:float");
    expect(await compareTables([], [one], never)).toMatchObject([
      { change: "added", rows: { a: null, b: 2 } },
    ]);
    expect(await compareTables([one], [], never)).toMatchObject([{ change: "removed" }]);
  });

  it("compares the columns of both sides, and tells of the others in the schema", async () => {
    const a = table("ab", "gone:float", "same:float", "moved:float", "form:float, °C");
    const b = table("abc", "moved:float", "form:float, K", "same:float", "new:text");
    const [found] = await compareTables([a], [b], read);
    expect(found).toMatchObject({ change: "changed", rows: { a: 2, b: 3 }, changes });
    expect(found?.schema).toEqual([
      { column: "gone", change: "removed", a: "float", b: null },
      { column: "form", change: "changed", a: "float, °C", b: "float, K" },
      { column: "new", change: "added", a: null, b: "text" },
    ]);
    // More rows alone do not change a column.
    expect(found?.columns.map(({ name, isChanged }) => [name, isChanged])).toEqual([
      ["moved", true],
      ["same", false],
    ]);
  });

  it("finds a column renamed under the same bytes", async () => {
    const [found] = await compareTables([table("ab", "t:float")], [table("ab", "u:float")], read);
    expect(found?.change).toBe("changed");
    expect(found?.schema).toHaveLength(2);
    expect(found).not.toHaveProperty("changes");
  });
});

describe("compareFiles", () => {
  it("goes by name and bytes", () => {
    const raw = (name: string, text: string) => ({
      name,
      source: "readings",
      part: "",
      object: object(text),
    });
    const a = [raw("same.csv", "1"), raw("gone.csv", "2"), raw("moved.csv", "3")];
    const b = [raw("same.csv", "1"), raw("moved.csv", "4"), raw("new.csv", "5")];
    expect(compareFiles(a, b)).toEqual({
      added: ["new.csv"],
      removed: ["gone.csv"],
      changed: ["moved.csv"],
      nEqual: 1,
    });
  });
});
