import { expect, it } from "vitest";
import { GroupCommit } from "./group-commit.ts";

/** Commits wait until the test lets them go. */
function held(maxWaiting = 100) {
  const groups: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const commits = new GroupCommit<number, number>({
    sizeOf: (item) => (item >= 1_000 ? item : 1),
    maxWaiting,
    commit: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void =>
          error === undefined ? resolve(items.map((item) => item * 10)) : reject(error);
        groups.push({ items, end });
      }),
  });
  return { commits, groups };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

it("commits the first at once and what comes meanwhile together, each with its own result", async () => {
  const { commits, groups } = held();
  const results = [1, 2, 3].map((item) => commits.add("a", item));
  expect(groups.map(({ items }) => items)).toEqual([[1]]);
  groups[0]?.end();
  await settled();
  expect(groups.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  groups[1]?.end();
  expect(await Promise.all(results)).toEqual([10, 20, 30]);
  expect(commits.nWaiting).toBe(0);
});

it("fails the items of a commit that fails, and no others", async () => {
  const { commits, groups } = held();
  const first = commits.add("a", 1);
  const second = commits.add("a", 2);
  groups[0]?.end(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await settled();
  groups[1]?.end();
  expect(await second).toBe(20);
});

it("refuses more than may wait, until there is room again", async () => {
  const { commits, groups } = held(2);
  const waiting = [commits.add("a", 1), commits.add("b", 2)];
  expect(() => commits.requireRoom("c")).toThrow(
    expect.objectContaining({ code: "too_many_readings", isRetryable: true }),
  );
  groups[0]?.end();
  await settled();
  commits.requireRoom("c");
  groups[1]?.end();
  await Promise.all(waiting);
});

it("lets senders take turns, and none of them fill the room", async () => {
  const { commits, groups } = held(80_000);
  const noisy = Array.from({ length: 5 }, () => commits.add("noisy", 10_000));
  expect(() => commits.requireRoom("noisy")).toThrow(expect.objectContaining({ code: "too_many_readings" }));
  commits.requireRoom("quiet");
  const quiet = [1, 2].map((item) => commits.add("quiet", item));
  groups[0]?.end();
  await settled();
  expect(groups[1]?.items).toEqual([10_000, 1, 10_000]);
  groups[1]?.end();
  await settled();
  expect(groups[2]?.items).toEqual([2, 10_000, 10_000]);
  groups[2]?.end();
  expect(await Promise.all([...noisy, ...quiet])).toHaveLength(7);
  commits.requireRoom("noisy");
  expect(commits.nWaiting).toBe(0);
});
