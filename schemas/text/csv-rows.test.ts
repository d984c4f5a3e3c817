import { expect, it } from "vitest";
import { csvRows } from "./csv-rows.ts";

const rows = (text: string) => [...csvRows(text)].map(({ line, cells }) => [line, ...cells]);

it("reads cells as RFC 4180 writes them", () => {
  expect(rows("a,b\r\n1,2\n\n,x\n")).toEqual([
    [1, "a", "b"],
    [2, "1", "2"],
    [4, "", "x"],
  ]);
  expect(rows('"a ""b"", c","line\nend"\nlast,')).toEqual([
    [1, 'a "b", c', "line\nend"],
    [3, "last", ""],
  ]);
  expect(rows("")).toEqual([]);
});

it("refuses quotes that do not close", () => {
  expect(() => rows('a\n"b')).toThrow("line 2");
  expect(() => rows('"b"c\n')).toThrow("expected a comma");
});
