import { expect, it } from "vitest";
import { asNamed, bySchema } from "./parts.ts";

it.each([
  ["without keys it is the name given", false, "ann", "ann"],
  ["without a name it is the caller", false, undefined, "caller"],
  ["with keys it is the key's owner", true, "ann", "caller"],
])("says who acts: %s", (_, authenticated, by, id) => {
  const actor = { id: "caller", role: "admin", authenticated } as const;
  expect(asNamed({ actor, body: { by } }).actor).toEqual({ ...actor, id });
});

it.each(["", "a\nb", "a\0", "a".repeat(129)])("takes no name like %j", (by) => {
  expect(bySchema.safeParse(by).success).toBe(false);
});
