import { expect, it } from "vitest";
import { MessageQueue } from "./message-queue.ts";

it("gives the oldest first, by number and by weight, and always one", () => {
  const queue = new MessageQueue<number>((bytes) => bytes);
  for (const bytes of [5, 1, 2, 9, 1, 1]) queue.push(bytes);
  expect([queue.length, queue.bytes]).toEqual([6, 19]);
  expect(queue.take(10, 7)).toEqual([5, 1]);
  expect(queue.take(1, 100)).toEqual([2]);
  expect(queue.take(10, 3)).toEqual([9]);
  expect(queue.take(10, 3)).toEqual([1, 1]);
  expect(queue.take(10, 3)).toEqual([]);
  expect([queue.length, queue.bytes]).toEqual([0, 0]);
});
