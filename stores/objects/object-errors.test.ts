import { expect, it } from "vitest";
import { PlatformError } from "../../schemas/platform-error.ts";
import { asObjectError } from "./object-errors.ts";

const errno = (code: string): Error => Object.assign(new Error(code), { code });

it.each([
  ["ENOSPC", "objects_unavailable"],
  ["EDQUOT", "objects_unavailable"],
  ["EROFS", "objects_unavailable"],
  ["EIO", "objects_unavailable"],
  ["ELOOP", "integrity"],
])("calls %s %s and keeps the cause", (code, expected) => {
  const cause = errno(code);
  expect(asObjectError("put object [logs/x]", cause)).toMatchObject({ code: expected, cause });
});

it("leaves platform errors and defects as they are", () => {
  const known = new PlatformError("conflict", "exists");
  const defect = new TypeError("x is not a function");
  expect(asObjectError("put", known)).toBe(known);
  expect(asObjectError("put", defect)).toBe(defect);
});
