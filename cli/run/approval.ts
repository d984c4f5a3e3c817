import { randomUUID } from "node:crypto";
import { z } from "zod";
import { approvalEvidenceSchema } from "../../schemas/models/approval-evidence.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";

/** Other kinds of approvals, and older ones, have other evidence: any of it may be absent. */
const evidenceSchema = z.looseObject(approvalEvidenceSchema.shape).partial();

const decisionSchema = z.object({
  decisionId: z.string(),
  decision: z.enum(["approve", "reject"]),
  by: z.string(),
  authenticated: z.boolean(),
  channel: z.string(),
  reason: z.string(),
  at: z.string(),
  /** Whether the person who asked decided: possible without keys only. */
  selfApproved: z.boolean().optional(),
});
export type RecordedDecision = z.infer<typeof decisionSchema>;

/** `ApprovalRow` as the API gives it; members that are not read here are kept for `--json`. */
export const approvalSchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  subject: z.string(),
  digest: z.string(),
  model: z.string(),
  version: z.number(),
  /** Of maintenance; absent in replies of earlier servers. */
  recommendationId: z.string().nullish(),
  workflowId: z.string(),
  requestedBy: z.string(),
  requesterAuthenticated: z.boolean().optional(),
  policy: z.looseObject({ quorum: z.number(), approvers: z.array(z.string()).optional() }),
  evidence: evidenceSchema.catch({}),
  /** Of a promotion; absent in replies of earlier servers. */
  championNow: z.looseObject({ version: z.number(), digest: z.string() }).nullish(),
  state: z.enum(["waiting", "approved", "rejected", "expired"]),
  deadline: z.string(),
  decisions: z.array(decisionSchema),
});
export type Approval = z.infer<typeof approvalSchema>;

/** A row of the list of approvals: without the evidence. */
export const listedApprovalSchema = approvalSchema.omit({ evidence: true });

export interface Decision {
  readonly decision: "approve" | "reject";
  /** Recorded where the server runs without keys; with keys it is the key's owner. */
  readonly by: string;
  readonly reason: string;
  /** Default: the digest of the approval as it was read. */
  readonly digest?: string;
}

/** @throws {PlatformError} not_found, and what every request throws */
export function readApproval(client: ApiClient, id: string): Promise<Approval> {
  return client.get(apiPath`/v1/approvals/${id}`, approvalSchema);
}

/** @throws {PlatformError} already_decided, self_approval, forbidden, and what every request throws */
export async function decide(client: ApiClient, approval: Approval, given: Decision): Promise<Approval> {
  const decisionId = `cli-${randomUUID()}`;
  const { decision, by, reason, digest = approval.digest } = given;
  return client.post(apiPath`/v1/approvals/${approval.id}/decisions`, {
    reply: approvalSchema,
    idempotencyKey: decisionId,
    body: { decisionId, decision, digest, reason, by, channel: "cli" },
  });
}

/**
 * Why an approval would promote nothing: the version was compared with a champion that is not the champion any more.
 *
 * @returns undefined where the comparison holds, or nothing is known of it
 */
export function outdatedText({
  model,
  subject,
  digest,
  championNow,
  evidence,
}: Approval): string | undefined {
  const { champion: compared } = evidence;
  if (championNow === undefined || compared === undefined) return undefined;
  if (championNow?.digest === compared?.digest || championNow?.digest === digest) return undefined;
  const now =
    championNow == null ? "there is no champion" : `the champion is ${model}@${championNow.version}`;
  const then = compared === null ? "no champion" : `${model}@${compared.version}`;
  return `${now} by now, but ${subject} was compared with ${then}: it is not promoted; run the pipeline again`;
}

/** `approve by ada (unauthenticated, self-approved) through cli` */
export function decisionText({
  decision,
  by,
  authenticated,
  selfApproved,
  channel,
}: RecordedDecision): string {
  const marks = [authenticated ? "" : "unauthenticated", selfApproved === true ? "self-approved" : ""];
  const shown = marks.filter((mark) => mark !== "");
  return `${decision} by ${by}${shown.length === 0 ? "" : ` (${shown.join(", ")})`} through ${channel}`;
}
