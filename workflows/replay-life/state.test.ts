import { describe, expect, it } from "vitest";
import { ReplayState } from "./state.ts";
import type { InService } from "../../activities/replay-life/messages.ts";

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
const PLAN = { retrains: true, coolDown: 20, confirmations: 3, end: 200 };
const BEGUN = { champion: model(1), lastTrainedAt: 100, seen: [] };
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
    expect(new ReplayState({ ...PLAN, ...plan }, BEGUN).sees(window("c", confirmed), at)).toBe(due);
  });

  it("looks at as many windows as a confirmation needs, of the present model alone", () => {
    const state = new ReplayState(PLAN, BEGUN);
    for (const name of ["c1", "c2", "c3"]) state.sees(window(name, false), 110);
    expect(state.earlier).toEqual([ref("c3"), ref("c2")]);
    state.promoted(model(2));
    expect(state.earlier).toEqual([]);
    expect(state.champion.training).toBe(2);
  });

  it("waits anew after a retrain that was refused", () => {
    const state = new ReplayState(PLAN, BEGUN);
    expect(state.sees(window("c1", true), 150)).toBe(true);
    state.trained(150);
    expect(state.sees(window("c2", true), 160)).toBe(false);
    expect(state.sees(window("c3", true), 170)).toBe(true);
  });

  it("goes on in another run as if it were the same", () => {
    const state = new ReplayState(PLAN, BEGUN);
    state.sees(window("c1", false), 110);
    state.trained(110);
    const next = new ReplayState(PLAN, state.snapshot);
    expect(next.earlier).toEqual([ref("c1")]);
    expect(next.sees(window("c2", true), 120)).toBe(false);
    expect(next.sees(window("c3", true), 130)).toBe(true);
  });
});
