import { z } from "zod";

/** Why a reading was set aside or rejected; stable. */
export const INTAKE_CODES = [
  "not_a_reading",
  "unknown_asset",
  "unknown_column",
  "bad_asset",
  "bad_time",
  "future_time",
  "old_time",
  "bad_sequence",
  "no_values",
  "missing_required",
  "not_a_number",
  "not_finite",
  "out_of_range",
  "unknown_value",
  "rate_limited",
] as const;
export type IntakeCode = (typeof INTAKE_CODES)[number];

/** Codes of readings that do not fit the declaration of their columns, whatever the values are. */
export const SCHEMA_CODES = [
  "unknown_column",
  "no_values",
  "missing_required",
  "not_a_number",
  "unknown_value",
] as const satisfies readonly IntakeCode[];

/** What became of readings: received = stored + duplicate + quarantined + rejected; conflicts are among the duplicates. */
export const intakeCountsSchema = z.strictObject({
  received: z.int(),
  stored: z.int(),
  duplicate: z.int().describe("Were stored before under the same asset, epoch, time and sequence."),
  conflict: z.int().describe("Duplicates with other values than those stored; the first ones stand."),
  quarantined: z.int().describe("Set aside as dead letters."),
  rejected: z.int().describe("Not kept."),
});
export type IntakeCounts = z.infer<typeof intakeCountsSchema>;

/** Counts before anything was sent. */
export const NO_INTAKE: IntakeCounts = {
  received: 0,
  stored: 0,
  duplicate: 0,
  conflict: 0,
  quarantined: 0,
  rejected: 0,
};

export function addIntake(a: IntakeCounts, b: IntakeCounts): IntakeCounts {
  return {
    received: a.received + b.received,
    stored: a.stored + b.stored,
    duplicate: a.duplicate + b.duplicate,
    conflict: a.conflict + b.conflict,
    quarantined: a.quarantined + b.quarantined,
    rejected: a.rejected + b.rejected,
  };
}

export const intakeProblemSchema = z.strictObject({
  index: z.int().describe("Place in what was sent, from 0."),
  code: z.enum([...INTAKE_CODES, "conflict"]),
  outcome: z
    .enum(["quarantined", "rejected", "duplicate"])
    .describe(
      "`duplicate` with the code `conflict`: another reading stands there, and this one is not stored.",
    ),
  message: z.string(),
});
export type IntakeProblem = z.infer<typeof intakeProblemSchema>;

/** Answer to a batch of readings; it is given after the commit. */
export const intakeReplySchema = intakeCountsSchema.extend({
  source: z.string(),
  problems: z.array(intakeProblemSchema).describe("The first hundred."),
});
export type IntakeReply = z.infer<typeof intakeReplySchema>;
