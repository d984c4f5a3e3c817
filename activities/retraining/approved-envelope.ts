import { z } from "zod";
import { hashOf } from "../../schemas/canonical-json.ts";
import { envelopeFindingSchema } from "../../schemas/models/envelope-finding.ts";
import type { Envelope } from "../../schemas/pipeline/envelope.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ApprovalRow, Database, VersionRow } from "../../stores/postgres/port.ts";
import { pipelineOfRun } from "./standing-pipeline.ts";

/** An envelope that people approved, as the file had it that they approved the champion of. */
export interface ApprovedEnvelope {
  readonly envelope: Envelope;
  readonly hash: string;
  readonly approvalId: string;
  readonly approvedBy: readonly string[];
  /** What people approved it with. */
  readonly version: number;
  /** Hash of the rest of that file. */
  readonly declared: string;
}

const enveloped = z.looseObject({ envelope: envelopeFindingSchema });

/**
 * The envelope of the approval that made a version champion. One that was approved by the policy of an envelope passes on what
 * people had said before it, as long as the file says the same.
 *
 * @returns undefined where its approval knows of none: the version came without an approval, or its file had no envelope
 */
export async function approvedEnvelope(
  db: Pick<Database, "approvals" | "runs">,
  champion: Pick<VersionRow, "model" | "digest">,
): Promise<ApprovedEnvelope | undefined> {
  const approval = await db.approvals.givenFor(champion.model, champion.digest);
  const run = approval === undefined ? undefined : await db.runs.byApproval(approval.id);
  if (approval === undefined || run === undefined) return undefined;
  const { pipeline } = await pipelineOfRun(db, run.runId);
  const { envelope } = pipeline.retraining;
  if (envelope === undefined) return undefined;
  const hash = hashOf(envelope);
  const origin = await originOf(db, approval, hash);
  return origin === undefined
    ? undefined
    : { envelope, hash, ...origin, declared: declarationHash(pipeline) };
}

/** Who said it first, and of which version. */
async function originOf(
  { approvals }: Pick<Database, "approvals">,
  { id, version, decisions, evidence }: ApprovalRow,
  hash: string,
): Promise<Pick<ApprovedEnvelope, "approvalId" | "approvedBy" | "version"> | undefined> {
  const given = decisions.filter(({ decision }) => decision === "approve");
  if (given.every(({ channel }) => channel !== "policy"))
    return { approvalId: id, approvedBy: given.map(({ by }) => by), version };
  const { data } = enveloped.safeParse(evidence);
  if (data?.envelope.hash !== hash) return undefined;
  const { approvalId, approvedBy } = data.envelope;
  const first = await approvals.get(approvalId);
  return first === undefined ? undefined : { approvalId, approvedBy, version: first.version };
}

/**
 * What of a file decides which model comes out and who may approve it: all but how the model is watched, when it is trained
 * anew, and what is said of it.
 */
export function declarationHash(pipeline: Pipeline): string {
  const {
    monitoring: _monitoring,
    performance: _performance,
    retraining: _retraining,
    description: _description,
    ...declared
  } = pipeline;
  return hashOf(declared);
}
