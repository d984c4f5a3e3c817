import { describe, expect, it } from "vitest";
import { ReplayState } from "./state.ts";
import type { InService } from "./state.ts";

const ref = (name: string) => ({
  key: `processed/json/${name}.json`,
  sha256: name.padEnd(64, "0"),
  bytes: 1,
});
const model = (training: number): InService => ({
  training,
  manifest: ref(`a${training}`),
  split: ref(`b${training}`),
  knownUntil: training,
});
const PLAN = { retrains: true, coolDown: 20, confirmations: 3, start: 100, end: 200 };
const window = (name: string, confirmed: boolean) => ({ confirmed, document: ref(name) });

describe("a replayed life", () => {
  const cases: [name: string, plan: object, at: number, confirmed: boolean, due: boolean][] = [
    ["confirmed drift after the cool-down", {}, 120, true, true],
    ["drift that is not confirmed", {}, 120, false, false],
    ["the cool-down after a training", {}, 119, true, false],
    ["no loop", { retrains: false }, 150, true, false],
    ["the end of history", {}, 200, true, false],
  ];
  it.each(cases)("%s", (_, plan, at, confirmed, due) => {
    expect(new ReplayState({ ...PLAN, ...plan }, model(1)).sees(window("c", confirmed), at)).toBe(due);
  });

  it("looks at as many windows as a confirmation needs, of the present model alone", () => {
    const state = new ReplayState(PLAN, model(1));
    for (const name of ["c1", "c2", "c3"]) state.sees(window(name, false), 110);
    expect(state.earlier).toEqual([ref("c3"), ref("c2")]);
    state.promoted(model(2));
    expect(state.earlier).toEqual([]);
    expect(state.champion.training).toBe(2);
  });

  it("waits anew after a retrain that was refused", () => {
    const state = new ReplayState(PLAN, model(1));
    expect(state.sees(window("c1", true), 150)).toBe(true);
    state.trained(150);
    expect(state.sees(window("c2", true), 160)).toBe(false);
    expect(state.sees(window("c3", true), 170)).toBe(true);
  });
});
