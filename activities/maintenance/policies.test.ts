import { expect, it } from "vitest";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import type { MaintainedPipeline } from "./answers.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { asApproved, maintainedPipelineOf, MaintenancePolicies } from "./policies.ts";

const pipeline = (maintenance: object) =>
  ({ maintenance: maintenanceSchema.parse(maintenance) }) as unknown as MaintainedPipeline;

it("takes what is done from the newest file, and who decides from the approved one", () => {
  const approved = pipeline({
    critical: { assets: ["p*"] },
    others: "ask",
    deciders: { approvers: ["ann"] },
  });
  const standing = pipeline({ deciders: { approvers: ["eve"] }, channel: "cmms", leadTime: "2h" });
  expect(asApproved(standing, approved).maintenance).toMatchObject({
    critical: { assets: ["p*"] },
    others: "ask",
    deciders: { approvers: ["ann"] },
    channel: "cmms",
    leadTime: "2h",
  });
  expect(asApproved(standing, undefined)).toBe(standing);
});

it("knows those who decide by the run that people approved, whoever made the version first", async () => {
  const FILE = `
name: pump
sources: { readings: { files: r.csv, asset: id, time: { column: t, kind: cycle }, columns: [{ name: heat }] } }
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
maintenance: `;
  const files: Record<string, string> = {
    made: "{ when: { remaining: 9 }, critical: { assets: [p*] }, deciders: { approvers: [eve], onDeadline: expire } }",
    approved:
      "{ when: { remaining: 9 }, critical: { assets: [p*] }, deciders: { approvers: [ann], onDeadline: expire } }",
    unchanged:
      "{ when: { remaining: 5 }, critical: { assets: [p*] }, deciders: { approvers: [bob], onDeadline: expire } }",
  };
  const version = { model: "pump", version: 1, digest: "d".repeat(64), runId: "made" };
  const db = {
    registry: {
      models: async () => [{ model: "pump", versions: 1, champion: 1 }],
      version: async () => version,
      champion: async () => version,
    },
    runs: {
      latestStanding: async () => ({ runId: "unchanged" }),
      latestApproved: async () => ({ runId: "approved" }),
      inputOf: async (runId: string) => ({ pipeline: `${FILE}${files[runId]}\n`, files: [] }),
    },
  } as unknown as Pick<Database, "registry" | "runs">;
  const expected = { when: { remaining: 5 }, deciders: { approvers: ["ann"] } };
  expect((await maintainedPipelineOf(db, "pump"))?.maintenance).toMatchObject(expected);
  const policies = new MaintenancePolicies(db);
  expect((await policies.list()).get("pump")?.maintenance).toMatchObject(expected);
  expect((await policies.list()).get("pump")?.maintenance).toMatchObject(expected);
});
