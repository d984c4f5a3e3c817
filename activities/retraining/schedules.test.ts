import { describe, expect, it } from "vitest";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { scheduleOf, standingOf } from "./schedules.ts";

const DAY_MS = 86_400_000;

const FILE = `
name: pumps
sources:
  readings: { files: r.csv, asset: pump, time: { column: t, kind: cycle }, columns: [{ name: heat }] }
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
`;
const standing = (more = "") => standingOf("pumps", parsePipeline(FILE + more, "p.yaml").pipeline);
const ofId = (id: string, more?: string) => {
  const found = standing(more).find(({ scheduleId }) => scheduleId === id);
  if (found?.when === undefined) throw new Error(`${id} is not wanted`);
  return scheduleOf({ ...found, when: found.when });
};

describe("schedules of a model", () => {
  it("are what its file wants, and the others are known to be none", () => {
    const wanted = (more?: string) =>
      standing(more).flatMap(({ scheduleId, when }) => (when === undefined ? [] : [scheduleId]));
    expect(wanted()).toEqual(["drift/pumps", "performance/pumps"]);
    expect(wanted("monitoring: { enabled: false }\nretraining: { newLabels: 5 }\n")).toEqual([
      "performance/pumps",
      "retrain-labels/pumps",
    ]);
    expect(wanted("retraining: { schedule: { every: 7d } }\n")).toContain("retrain/pumps");
    expect(standing()).toHaveLength(4);
  });

  it("say in Temporal's list what they do", () => {
    const more = "retraining: { newLabels: 5, schedule: { every: 7d } }\n";
    const summaries = standing(more).map(({ scheduleId }) => {
      const { action } = ofId(scheduleId, more);
      return "staticSummary" in action ? action.staticSummary : undefined;
    });
    expect(summaries).toEqual([
      "Check pumps for drift",
      "Judge pumps by its labels",
      "Ask for a retrain of pumps: its schedule",
      "Count new labels of pumps",
    ]);
  });

  it.each([
    ["every: 30d", 30 * DAY_MS],
    ["every: 5s", 60_000],
    ["cron: 0 3 1 * *", 62 * DAY_MS],
  ])("of %s make up for the last tick that was missed, however long ago", (when, ms) => {
    const { policies } = ofId("retrain/pumps", `retraining: { schedule: { ${when} } }\n`);
    expect(policies).toEqual({ overlap: "SKIP", catchupWindow: ms });
  });
});

describe("times of checks", () => {
  it.each(["monitoring: { every: 0s }", "monitoring: { window: 0s }", "performance: { every: 10ms }"])(
    "%s is refused",
    (text) => expect(() => parsePipeline(`${FILE}${text}\n`, "p.yaml")).toThrow(/at least 1s/),
  );
});
