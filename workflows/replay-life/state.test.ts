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
const PLAN = { retrains: true, coolDown: 20, confirmations: 3, end: 200, labelDelay: 0 };
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
    const cause = new ReplayState({ ...PLAN, ...plan }, BEGUN).sees(window("c", confirmed), { to: at });
    expect(cause).toBe(due ? "drift" : undefined);
  });

  const causes: [name: string, plan: object, seen: object, span: object, cause: string | undefined][] = [
    ["quality that fell", {}, { degraded: "auc 0.5" }, {}, "degradation"],
    ["enough new labels", { newLabels: 50 }, { newLabels: 50 }, {}, "labels"],
    ["fewer of them", { newLabels: 50 }, { newLabels: 49 }, {}, undefined],
    ["labels that nobody waits for", {}, { newLabels: 50 }, {}, undefined],
    ["its schedule", {}, {}, { isScheduled: true }, "schedule"],
    ["its schedule, within the cool-down", {}, {}, { isScheduled: true, to: 119 }, undefined],
    ["drift first of all", {}, { confirmed: true, degraded: "auc 0.5" }, { isScheduled: true }, "drift"],
    [
      "drift that retrains nothing",
      { retrains: false },
      { confirmed: true },
      { isScheduled: true },
      "schedule",
    ],
  ];
  it.each(causes)("is trained anew by %s", (_, plan, seen, span, cause) => {
    const state = new ReplayState({ ...PLAN, ...plan }, BEGUN);
    expect(state.sees({ ...window("c", false), ...seen }, { to: 120, ...span })).toBe(cause);
  });

  it("asks labels only where a retrain depends on them", () => {
    const evaluation = ref("evaluation");
    const begun = { ...BEGUN, champion: { ...model(90), evaluation } };
    const asked = (plan: object) => new ReplayState({ ...PLAN, labelDelay: 10, ...plan }, begun).watch;
    expect(asked({})).toBeUndefined();
    const known = { servedSince: 100, trainedAt: 100, labelDelay: 10 };
    expect(asked({ onDegradation: true })).toEqual({ ...known, evaluation, countsLabels: false });
    expect(asked({ newLabels: 5 })).toEqual({ ...known, evaluation: null, countsLabels: true });
  });

  it("looks at as many windows as a confirmation needs, of the present model alone", () => {
    const state = new ReplayState(PLAN, BEGUN);
    for (const name of ["c1", "c2", "c3"]) state.sees(window(name, false), { to: 110 });
    expect(state.earlier).toEqual([ref("c3"), ref("c2")]);
    state.promoted(model(2));
    expect(state.earlier).toEqual([]);
    expect(state.champion.training).toBe(2);
  });

  it("waits anew after a retrain that was refused", () => {
    const state = new ReplayState(PLAN, BEGUN);
    expect(state.sees(window("c1", true), { to: 150 })).toBe("drift");
    state.trained(150);
    expect(state.sees(window("c2", true), { to: 160 })).toBeUndefined();
    expect(state.sees(window("c3", true), { to: 170 })).toBe("drift");
  });

  it("goes on in another run as if it were the same", () => {
    const state = new ReplayState(PLAN, BEGUN);
    state.sees(window("c1", false), { to: 110 });
    state.trained(110);
    const next = new ReplayState(PLAN, state.snapshot);
    expect(next.earlier).toEqual([ref("c1")]);
    expect(next.sees(window("c2", true), { to: 120 })).toBeUndefined();
    expect(next.sees(window("c3", true), { to: 130 })).toBe("drift");
  });
});
