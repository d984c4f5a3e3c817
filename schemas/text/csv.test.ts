import { expect, it } from "vitest";
import { csvText } from "./csv.ts";

it.each([
  ["a formula", "=1+1", "'=1+1"],
  ["a call", "@SUM(A1)", "'@SUM(A1)"],
  ["a plus", "+1", "'+1"],
  ["a minus before text", "-cmd", "'-cmd"],
  ["a negative number as text", "-1.5e-7", "-1.5e-7"],
  ["a negative number", -2, "-2"],
  ["quotes and commas", 'pump "A", left', '"pump ""A"", left"'],
  ["a quoted formula", '=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ["a line end", "a\nb", '"a\nb"'],
  ["a tab first", "\tx", "'\tx"],
])("writes %s as data", (_name, value, written) => expect(csvText([[value]])).toBe(`${written}\n`));
