import { expect, it } from "vitest";
import { SharedFlow } from "./shared-flow.ts";

const MIB = 2 ** 20;

it("has senders wait while all of them together have sent too much, and lets them go on when there is room", () => {
  const flow = new SharedFlow();
  const readOn: string[] = [];
  const [a, b, gone] = ["a", "b", "gone"].map((name) => () => void readOn.push(name)) as [
    () => void,
    () => void,
    () => void,
  ];
  for (let n = 0; n < 63; n++) flow.take(MIB);
  flow.whenRoom(a);
  expect(readOn).toEqual(["a"]);
  flow.take(MIB);
  expect(flow.isFull).toBe(true);
  for (const one of [b, b, gone]) flow.whenRoom(one);
  flow.forget(gone);
  for (let n = 0; n < 16; n++) flow.give(MIB);
  expect(readOn).toEqual(["a"]);
  flow.give(MIB);
  expect(readOn).toEqual(["a", "b"]);
});
