import { expect, it } from "vitest";
import { sentLabelSchema } from "../../schemas/serving/observed-label.ts";
import { labelProblem } from "./label-problem.ts";

function told(sent: unknown): string {
  const parsed = sentLabelSchema.safeParse(sent);
  if (parsed.success) throw new Error("it is a label");
  return labelProblem(sent, parsed.error).message;
}

it.each([
  [
    "a mistyped key beside the one that is missing",
    { kind: "failure", aset: "p1", t: 3 },
    /^read label \[aset\]: unknown key aset; did you mean asset\?; \[asset\]: .*expected string/,
  ],
  ["a mistyped kind", { kin: "failure", asset: "p1", t: 3 }, /\[kin\]: .*did you mean kind\?; \[kind\]: /],
  [
    "a key near none",
    { kind: "failure", asset: "p1", t: 3, colour: "red" },
    /^read label \[colour\]: unknown key colour$/,
  ],
  [
    "a key of another kind",
    { kind: "event_free", asset: "p1", t: 3, mode: "seal" },
    /^read label \[mode\]: a label of this kind has no such key$/,
  ],
  ["no label at all", "failure", /^read label \[\(label\)\]: /],
])("tells of %s", (_, sent, text) => {
  expect(told(sent)).toMatch(text);
});
