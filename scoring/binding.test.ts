import { describe, expect, it } from "vitest";
import { manifestOf, pipelineOf } from "../features/support/test-dataset.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { bindSource } from "./binding.ts";

const COLUMNS = [
  { name: "pressure", type: "float" as const },
  { name: "speed", type: "integer" as const },
  { name: "is_open", type: "boolean" as const },
  { name: "mode", type: "text" as const },
];
const sources = { readings: { timeKind: "timestamp" as const, columns: COLUMNS, rows: [] } };
const view = compileView(
  pipelineOf(sources, { features: [{ current: {} }, { category: { columns: ["mode"] } }] }),
  manifestOf(sources),
);
const units = { ...view, columns: view.columns.map((column) => ({ ...column, unit: "bar" })) };
const source = (columns: readonly object[], time: object = {}) => ({
  sourceKey: 3,
  document: liveSourceSchema.parse({
    name: "pumps",
    owner: "test",
    columns,
    time: { kind: "timestamp", ...time },
  }),
});

describe("a live source under a view", () => {
  it("gives values their names and types, wherever they stand, and leaves strangers out", () => {
    const binding = bindSource(
      view,
      source([
        { name: "mode", type: "text", values: ["idle", "run"] },
        { name: "stranger" },
        { name: "is_open", type: "boolean" },
        { name: "speed" },
        { name: "pressure", type: "integer" },
      ]),
    );
    expect(binding.sourceKey).toBe(3);
    const { t, values } = binding.read(5, [1, 9, 0, 2.5, null]);
    expect([t, { ...values }]).toEqual([5, { mode: "run", is_open: false, speed: 2.5, pressure: null }]);
    expect({ ...binding.read(6, [NaN, 9, 1, NaN, 7]).values }).toEqual({
      mode: null,
      is_open: true,
      speed: null,
      pressure: 7,
    });
  });

  it("refuses a source whose columns are missing, of another type or unit, with each of them", () => {
    expect(() =>
      bindSource(view, source([{ name: "pressure", type: "boolean" }, { name: "speed" }])),
    ).toThrow(
      /pressure: expected type float, found boolean; is_open: expected such a column, found none; mode: expected/,
    );
    expect(() =>
      bindSource(
        units,
        source([
          { name: "pressure", unit: "kPa" },
          { name: "speed" },
          { name: "is_open", type: "boolean" },
          { name: "mode", type: "text", values: ["run"] },
        ]),
      ),
    ).toThrow(
      /pressure: expected unit bar, found kPa; speed: expected unit bar, found none; is_open: expected unit bar/,
    );
  });

  it("refuses a source that declares a column as personal which the model learnt from", () => {
    const columns = COLUMNS.map((column) =>
      column.type === "text" ? { ...column, values: ["run"] } : column,
    );
    const { sourceKey, document } = source(columns);
    expect(() => bindSource(view, { sourceKey, document: { ...document, pii: ["speed"] } })).toThrow(
      /\[speed: expected a column that is not personal \(pii\)\]/,
    );
  });

  it("refuses a source whose time is of another kind", () => {
    const columns = COLUMNS.map((column) =>
      column.type === "text" ? { ...column, values: ["run"] } : column,
    );
    expect(() => bindSource(view, source(columns, { kind: "cycle" }))).toThrow(
      /time: expected timestamp, found cycle/,
    );
  });
});
