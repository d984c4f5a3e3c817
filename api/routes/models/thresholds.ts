import { z } from "zod";
import { signatureSchema, thresholdsFileSchema } from "../../../schemas/models/model-version.ts";
import type { AlertCurvePoint } from "../../../schemas/models/model-version.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { getDocument } from "../../../stores/objects/documents.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import type { VersionRow } from "../../../stores/postgres/port.ts";
import {
  anyObject,
  approver,
  auditOf,
  found,
  listOf,
  orAuditRefusal,
  versionParams,
  viewer,
} from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** As they are told: what was asked for, and what was given. */
const A_SHARE = {
  error: ({ input }: { readonly input?: unknown }) => `a share above 0, at most 1, got ${String(input)}`,
};
const DAYS = {
  error: ({ input }: { readonly input?: unknown }) => `days above 0, at most 31, got ${String(input)}`,
};

export const choiceSchema = z
  .strictObject({
    threshold: z.number().optional().describe("The score or probability from which to alert."),
    share: z
      .number()
      .gt(0, A_SHARE)
      .max(1, A_SHARE)
      .optional()
      .describe("At most this share of the readings alerts."),
    perAssetMonth: z
      .number()
      .gt(0, DAYS)
      .max(31, DAYS)
      .optional()
      .describe("At most this many days with an alert, of each asset in a month of days with readings."),
    reason: z.string().min(1).max(2_000),
  })
  .refine(
    (given) =>
      [given.threshold, given.share, given.perAssetMonth].filter((value) => value !== undefined).length === 1,
    "expected exactly one of `threshold`, `share` and `perAssetMonth`",
  );
type Choice = z.infer<typeof choiceSchema>;

const eventSchema = z.strictObject({
  model: z.string(),
  version: z.int(),
  threshold: z.number(),
  basis: anyObject.describe("What it was chosen by, and what it would have done out of fold."),
  at: z.string(),
  actor: z.string(),
  reason: z.string(),
});

export const thresholdRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}/thresholds",
    tag: "models",
    summary: "Thresholds that people set for a version, newest first.",
    policy: viewer,
    params: versionParams,
    reply: listOf(eventSchema),
    async handle({ params }, { database }) {
      const { registry } = database();
      found(await registry.version(params.model, params.version), "version");
      return { items: await registry.thresholdEvents(params.model, params.version) };
    },
  }),
  route({
    method: "post",
    path: "/v1/models/{model}/versions/{version}/thresholds",
    tag: "models",
    summary:
      "Set from which score or probability a version alerts; nothing is trained, serving follows at once.",
    policy: approver,
    params: versionParams,
    body: { kind: "json", schema: choiceSchema },
    reply: eventSchema,
    async handle(request, { database, objects }) {
      const { params, body } = request;
      const db = database();
      const { reason, ...asked } = body;
      const subject = `model/${params.model}@${params.version}`;
      const audit = auditOf(request, "model.threshold", subject, { ...asked, reason });
      return orAuditRefusal(db, audit, async () => {
        const row = found(await db.registry.version(params.model, params.version), "version");
        const { threshold, basis } = await choose(objects, row, body);
        const change = { ...params, threshold, basis, reason };
        return db.registry.setThreshold(change, { ...audit, details: { ...audit.details, threshold } });
      });
    },
  }),
];

interface Chosen {
  readonly threshold: number;
  readonly basis: Readonly<Record<string, unknown>>;
}

/** @throws {PlatformError} conflict for a version that decides nothing, or whose out-of-fold scores do not tell */
async function choose(objects: ObjectStore, row: VersionRow, choice: Choice): Promise<Chosen> {
  const { manifest } = row;
  const signature = await getDocument(
    objects,
    found(manifest.files["signature"], "signature"),
    signatureSchema,
  );
  if (signature.problem !== "binary" && signature.problem !== "anomaly") {
    throw refused(row, `expected a version that decides by a threshold, it answers ${signature.problem}`);
  }
  const file = found(manifest.files["thresholds"], "thresholds");
  const { curve = [] } = await getDocument(objects, file, thresholdsFileSchema);
  const { threshold, share, perAssetMonth } = choice;
  if (threshold !== undefined) {
    requirePossible(signature.problem, threshold);
    const outOfFold = pointAt(curve, threshold);
    return { threshold, basis: { by: "threshold", ...(outOfFold === undefined ? {} : { outOfFold }) } };
  }
  const asked = share === undefined ? { perAssetMonth } : { share };
  const outOfFold = curve.find((point) => keeps(point, choice));
  if (outOfFold === undefined) throw refused(row, whyNot(curve, choice));
  return { threshold: outOfFold.threshold, basis: { by: "budget", ...asked, outOfFold } };
}

function whyNot(curve: readonly AlertCurvePoint[], { perAssetMonth }: Choice): string {
  if (curve.length === 0)
    return "it has no out-of-fold scores, as one that was trained elsewhere; give the threshold itself (`--set`)";
  if (perAssetMonth !== undefined && curve.every((point) => point.alertsPerAssetMonth === undefined))
    return "its data have no assets and times, so that nobody can count alerts a month; give a `--share` of the rows";
  return "its out-of-fold scores do not say which threshold keeps that";
}

/** @throws {PlatformError} invalid_body for what no probability, or no anomaly score, can be */
export function requirePossible(problem: "binary" | "anomaly", threshold: number): void {
  if (threshold >= 0 && (threshold <= 1 || problem === "anomaly")) return;
  const expected = problem === "binary" ? "a probability from 0 to 1" : "an anomaly score, 0 or above";
  throw new PlatformError("invalid_body", `set threshold: ${expected}, got ${threshold}`, {
    locations: [{ field: "threshold", expected, found: String(threshold) }],
  });
}

/** What a threshold would have done out of fold: the last point of the curve that it reaches. */
export function pointAt(curve: readonly AlertCurvePoint[], threshold: number): AlertCurvePoint | undefined {
  return curve.findLast((point) => point.threshold <= threshold);
}

/** Points ascend by threshold, so that the first one that keeps the budget is the lowest. */
function keeps(
  { alertShare, alertsPerAssetMonth }: AlertCurvePoint,
  { share, perAssetMonth }: Choice,
): boolean {
  if (share !== undefined) return alertShare <= share;
  return alertsPerAssetMonth !== undefined && alertsPerAssetMonth <= (perAssetMonth ?? 0);
}

function refused({ model, version }: VersionRow, why: string): PlatformError {
  return new PlatformError("conflict", `set threshold [${model}@${version}]: ${why}`);
}
