import { z } from "zod";
import { hashOf } from "../canonical-json.ts";
import { dataIdSchema, nameSchema } from "../names.ts";
import { PlatformError } from "../platform-error.ts";
import { ISO_TIME, parseIsoMicros } from "../text/iso-time.ts";

/**
 * What turned out to be true, said after the fact by people, other systems or closed work orders. A label is about an asset at a
 * time, or about one prediction, never about a model: every model that asks for it finds it.
 *
 * - `failure`: the asset failed at `t`
 * - `replacement`: at `t` a part was changed, and with it a life ended, without a failure
 * - `event_free`: at `t` the asset was seen working; what did not fail before is known not to have failed until then
 * - `class`, `value`: what a column of the asset's readings would have said at exactly `t`, or of one prediction
 */
export const LABEL_KINDS = ["failure", "replacement", "event_free", "class", "value"] as const;
export type LabelKind = (typeof LABEL_KINDS)[number];

/** `conflicting`: another one says otherwise of the same; it does not count. */
export const LABEL_STATES = ["valid", "conflicting", "superseded", "withdrawn"] as const;
export type LabelState = (typeof LABEL_STATES)[number];

const timeSchema = z
  .union([z.string().max(64), z.int()])
  .describe("In the asset's own time: ISO 8601 (without an offset UTC), or the cycle.");
const common = {
  id: dataIdSchema
    .optional()
    .describe("Sent again under the same id it is stored once; default: made of its content."),
  source: nameSchema.optional().describe("Who says so, e.g. work_order; default: that of the request."),
  reference: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe("Where it stands there, e.g. a work order's number."),
  supersedes: dataIdSchema
    .optional()
    .describe("Id of a label that this one corrects; that one counts no more."),
};
const ofAsset = { asset: dataIdSchema, t: timeSchema };
const said = {
  asset: dataIdSchema.optional(),
  t: timeSchema.optional(),
  predictionId: dataIdSchema.optional().describe("Instead of asset and t: one prediction."),
  column: dataIdSchema
    .optional()
    .describe("Column of the readings that it is the value of; default: the label of any model that asks."),
};
const modeSchema = z.string().min(1).max(256).optional().describe("How it failed, or what was changed.");

/** A label as it is sent. */
export const sentLabelSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("failure"), ...ofAsset, mode: modeSchema, ...common }),
    z.strictObject({ kind: z.literal("replacement"), ...ofAsset, mode: modeSchema, ...common }),
    z.strictObject({ kind: z.literal("event_free"), ...ofAsset, ...common }),
    z.strictObject({
      kind: z.literal("class"),
      ...said,
      value: z.union([z.string().min(1).max(1_000), z.number(), z.boolean()]),
      ...common,
    }),
    z.strictObject({ kind: z.literal("value"), ...said, value: z.number(), ...common }),
  ])
  .refine(
    (label) =>
      !("value" in label) ||
      (label.predictionId === undefined
        ? label.asset !== undefined && label.t !== undefined
        : label.asset === undefined && label.t === undefined),
    "expected either predictionId, or asset and t",
  );
export type SentLabel = z.infer<typeof sentLabelSchema>;

/** A label as it is kept. */
export interface NewLabel {
  readonly id: string;
  readonly kind: LabelKind;
  readonly asset: string | null;
  /** Microseconds since 1970 UTC where `timeKind` is timestamp, else the cycle. */
  readonly t: number | null;
  readonly timeKind: "timestamp" | "cycle" | null;
  readonly predictionId: string | null;
  readonly column: string | null;
  readonly value: string | number | null;
  readonly mode: string | null;
  readonly source: string;
  readonly reference: string | null;
  readonly supersedes: string | null;
}

/** Ahead of our clock a time may be by so much. */
const MAX_AHEAD_MICROS = 300_000_000;

/**
 * A label that was sent, in the form it is kept in.
 *
 * @param source who says so where the label does not
 * @param nowMs what happened after it is refused
 * @throws {PlatformError} invalid_body: a time that is none, or is to come
 */
export function readLabel(sent: SentLabel, source: string, nowMs: number): NewLabel {
  const time = sent.t === undefined ? { t: null, timeKind: null } : timeOf(sent.t, nowMs);
  const value = "value" in sent ? sent.value : null;
  const content = {
    kind: sent.kind,
    asset: sent.asset ?? null,
    ...time,
    predictionId: ("predictionId" in sent ? sent.predictionId : undefined) ?? null,
    column: ("column" in sent ? sent.column : undefined) ?? null,
    // Stored readings have booleans as 0 and 1.
    value: typeof value === "boolean" ? Number(value) : value,
    mode: ("mode" in sent ? sent.mode : undefined) ?? null,
    supersedes: sent.supersedes ?? null,
  };
  return {
    id: sent.id ?? hashOf(content).slice(0, 32),
    ...content,
    source: sent.source ?? source,
    reference: sent.reference ?? null,
  };
}

/** What a label says, whoever says it under whatever id: two of the same content do not contradict each other. */
export function labelContent({
  kind,
  asset,
  t,
  timeKind,
  predictionId,
  column,
  value,
  mode,
}: NewLabel): string {
  return hashOf({ kind, asset, t, timeKind, predictionId, column, value, mode });
}

/** What a label is about: of one subject one label counts. */
export function labelSubject({ kind, asset, t, timeKind, predictionId, column }: NewLabel): string {
  const family = kind === "class" || kind === "value" ? "said" : kind;
  return JSON.stringify(
    predictionId === null ? [family, asset, timeKind, t, column] : [predictionId, column],
  );
}

function timeOf(t: string | number, nowMs: number): Pick<NewLabel, "t" | "timeKind"> {
  if (typeof t === "number") return { t, timeKind: "cycle" };
  const micros = parseIsoMicros(t);
  if (micros === undefined) throw refuse(`${ISO_TIME}, or a cycle`, t);
  if (micros > nowMs * 1_000 + MAX_AHEAD_MICROS) throw refuse("a time that has been", t);
  return { t: micros, timeKind: "timestamp" };
}

function refuse(expected: string, found: string): PlatformError {
  return new PlatformError("invalid_body", `read label [t]: expected ${expected}, got ${found}`, {
    locations: [{ field: "t", expected, found }],
  });
}

/** A label as the API shows it. */
export const labelRowSchema = z.strictObject({
  id: z.string(),
  kind: z.enum(LABEL_KINDS),
  asset: z.string().nullable(),
  t: z.union([z.string(), z.number()]).nullable().describe("ISO 8601 in UTC, or the cycle."),
  predictionId: z.string().nullable(),
  column: z.string().nullable(),
  value: z.union([z.string(), z.number()]).nullable(),
  mode: z.string().nullable(),
  source: z.string(),
  reference: z.string().nullable(),
  supersedes: z.string().nullable(),
  state: z.enum(LABEL_STATES),
  besides: z
    .string()
    .nullable()
    .describe("Of a conflicting one: the label that stands; of a superseded one: its correction."),
  actor: z.string(),
  createdAt: z.string(),
});
export type ShownLabel = z.infer<typeof labelRowSchema>;

export const labelProblemSchema = z.strictObject({
  index: z.int().describe("Place in what was sent, from 0."),
  id: z.string().optional(),
  outcome: z.enum(["refused", "conflicting"]),
  code: z.string(),
  reason: z.string(),
  standing: z.string().optional().describe("Of a conflicting label: the one that counts."),
});
export type LabelProblem = z.infer<typeof labelProblemSchema>;

/** Answer to labels that were sent, after the commit: received = added + known + conflicting + refused. */
export const labelsReplySchema = z.strictObject({
  received: z.int(),
  added: z.int(),
  known: z.int().describe("They were there."),
  conflicting: z
    .int()
    .describe("Kept, and count for nothing until somebody settles them: another label says otherwise."),
  refused: z.int(),
  ids: z.array(z.string().nullable()).describe("Of the first thousand, in order; null: refused."),
  problems: z.array(labelProblemSchema).describe("The first thousand."),
  unknownAssets: z
    .array(z.string())
    .describe("Assets of these labels that nothing is on record of, the first hundred: early, or misspelt."),
});
export type LabelsReply = z.infer<typeof labelsReplySchema>;
