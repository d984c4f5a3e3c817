import { expect, it } from "vitest";
import { GroupCommit } from "./group-commit.ts";

/** Commits wait until the test lets them go. */
function held(maxWaiting = 100) {
  const groups: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const commits = new GroupCommit<number, number>({
    sizeOf: () => 1,
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
  const results = [1, 2, 3].map((item) => commits.add(item));
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
  const first = commits.add(1);
  const second = commits.add(2);
  groups[0]?.end(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await settled();
  groups[1]?.end();
  expect(await second).toBe(20);
});

it("refuses more than may wait, until there is room again", async () => {
  const { commits, groups } = held(2);
  const waiting = [commits.add(1), commits.add(2)];
  expect(() => commits.requireRoom()).toThrow(
    expect.objectContaining({ code: "too_many_readings", isRetryable: true }),
  );
  groups[0]?.end();
  await settled();
  commits.requireRoom();
  groups[1]?.end();
  await Promise.all(waiting);
});
