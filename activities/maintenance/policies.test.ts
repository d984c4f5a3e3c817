import { expect, it } from "vitest";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import type { MaintainedPipeline } from "./answers.ts";
import { asApproved } from "./policies.ts";

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
