import { expect, it } from "vitest";
import { codeVersionSchema } from "../schemas/code-version.ts";
import { codeVersion } from "./code-version.ts";

it("names release, sources, Node.js and machine, and is the same when asked again", () => {
  const code = codeVersionSchema.parse(codeVersion());
  expect(code).toMatchObject({ node: process.version, platform: `${process.platform}-${process.arch}` });
  expect(codeVersion()).toEqual(code);
});
