import { expect, it } from "vitest";
import type { ApiClient } from "../client.ts";
import { runIdFrom, shortIds } from "./run-id.ts";

const A = "01a1fd2a-6fcd-785a-bc0f-6d7a5964f7a3";
const B = "01a1fd2a-7000-785a-bc0f-6d7a5964f7a3";
const C = "01a20000-7000-785a-bc0f-6d7a5964f7a3";

/** Newest first, in pages of at most `limit`. */
function clientOf(ids: readonly string[]): Pick<ApiClient, "get"> & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const get = (
    _path: string,
    _reply: unknown,
    query: { readonly limit?: number; readonly before?: string },
  ) => {
    asked.push(query.before);
    const from = query.before === undefined ? 0 : ids.indexOf(query.before) + 1;
    const items = ids.slice(from, from + (query.limit ?? 0)).map((runId) => ({ runId }));
    return Promise.resolve({ items });
  };
  return { asked, get: get as unknown as ApiClient["get"] };
}

it("takes a whole id, or another name, as it is", async () => {
  const client = clientOf([]);
  expect(await runIdFrom(client, A)).toBe(A);
  expect(await runIdFrom(client, "r1")).toBe("r1");
  expect(client.asked).toEqual([]);
});

it("finds the only run that begins so, also on a later page", async () => {
  const many = Array.from({ length: 1_000 }, (_, i) => `0200${String(i).padStart(4, "0")}-x`);
  const client = clientOf([...many, C, B, A]);
  expect(await runIdFrom(client, "01a200")).toBe(C);
  expect(client.asked).toEqual([undefined, many.at(-1)]);
  expect(await runIdFrom(client, "01a1fd2a-6")).toBe(A);
});

it.each([
  ["01a1fd2a", "conflict", "2 runs begin so"],
  ["ffffffff", "not_found", "read run [ffffffff]"],
])("refuses %s as %s", async (given, code, message) => {
  await expect(runIdFrom(clientOf([C, B, A]), given)).rejects.toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

it.each([
  [
    [A, C],
    ["01a1fd2a", "01a20000"],
  ],
  [
    [A, B],
    ["01a1fd2a-6", "01a1fd2a-7"],
  ],
  [
    [B, C, B],
    ["01a1fd2a", "01a20000", "01a1fd2a"],
  ],
  [
    [A, `${A.slice(0, -1)}4`],
    [A, `${A.slice(0, -1)}4`],
  ],
  [
    ["r1", "r2"],
    ["r1", "r2"],
  ],
  [[], []],
])("shortens %j no further than they differ", (ids, expected) => {
  expect(shortIds(ids)).toEqual(expected);
});
