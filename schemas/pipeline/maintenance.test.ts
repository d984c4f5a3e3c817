import { expect, it } from "vitest";
import { isPlatformError } from "../platform-error.ts";
import { parsePipeline } from "./parse.ts";

function problemsOf(
  maintenance: string,
  task: string,
  over: string = "label: { kind: events, source: failures }",
): string[] {
  const text = `
name: pumps
sources:
  readings:
    files: r.csv
    asset: pump
    time: { column: t, kind: timestamp }
    columns: [{ name: heat }, { name: fault, type: text, values: [none, leak] }]
  failures: { role: events, files: f.csv, asset: pump, time: { column: t, kind: timestamp }, columns: [{ name: kind, type: text }] }
${over}
task: ${task}
maintenance: ${maintenance}
`;
  try {
    parsePipeline(text, "pipeline.yaml");
    return [];
  } catch (error) {
    if (!isPlatformError(error)) throw error;
    return error.locations.map(({ field }) => field ?? "");
  }
}

const within = "{ kind: failure_within, horizon: 72h }";
const column = "label: { kind: column, column: fault }";

it.each([
  ["{}", within, undefined, []],
  ["{ when: { probability: 0.8 } }", within, undefined, []],
  ["{ when: { remaining: 72h } }", "{ kind: rul }", undefined, []],
  ["{}", "{ kind: rul }", undefined, ["maintenance.when.remaining"]],
  ["{ when: { remaining: 72h } }", within, undefined, ["maintenance.when.remaining"]],
  [
    "{ when: { probability: 0.8, remaining: 2d } }",
    "{ kind: rul }",
    undefined,
    ["maintenance.when.probability"],
  ],
  ["{ when: { classes: [leak] } }", "{ kind: class }", column, []],
  ["{}", "{ kind: class }", column, ["maintenance.when.classes"]],
  ["{ leadTime: 5 }", within, undefined, ["maintenance.leadTime"]],
  [
    "{ critical: { assets: ['p*'] }, deciders: { onDeadline: expire } }",
    within,
    undefined,
    ["maintenance.deciders.approvers"],
  ],
  ["{ others: ask }", within, undefined, ["maintenance.deciders.escalateTo"]],
  [
    "{ others: ask, deciders: { approvers: [ann], escalateTo: [boss], quorum: 3 } }",
    within,
    undefined,
    ["maintenance.deciders.quorum"],
  ],
  ["{ others: ask, deciders: { approvers: [ann], escalateTo: [boss], quorum: 2 } }", within, undefined, []],
  ["{}", "{ kind: forecast, column: heat, horizons: 6h }", "label: { kind: none }", ["maintenance"]],
])("maintenance %s of the task %s", (maintenance, task, over, problems) => {
  expect(problemsOf(maintenance, task, over)).toEqual(problems);
});
