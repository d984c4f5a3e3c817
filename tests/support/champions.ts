import type { AuditEntry, Database, NewVersion, VersionRow } from "../../stores/postgres/port.ts";
import { approve } from "./registry-samples.ts";

const AUDIT: AuditEntry = {
  actor: { id: "test", role: "system", authenticated: true },
  action: "test",
  subject: "test",
  outcome: "ok",
};

/** Registers a stored version in a real database, with a run of that pipeline text, and makes it the champion. */
export async function promoteVersion(
  db: Database,
  row: VersionRow & Pick<NewVersion, "holdout">,
  pipelineText?: string,
): Promise<VersionRow> {
  const { registered, approvalId } = await approveVersion(db, row, pipelineText);
  const { model, version, digest } = registered;
  const requestId = `promote-${model}-${version}`;
  await db.registry.promote({ model, version, digest, requestId, approvalId, reason: "test" }, AUDIT);
  return registered;
}

/** The same up to its approval. */
export async function approveVersion(
  db: Database,
  row: VersionRow & Pick<NewVersion, "holdout">,
  pipelineText = `name: ${row.model}`,
): Promise<{ readonly registered: VersionRow; readonly approvalId: string }> {
  const { model, digest, manifest, evaluation, holdout } = row;
  const runId = `run-${model}-${row.version}`;
  await db.runs.create({
    runId,
    workflowId: `pipeline/${runId}`,
    pipeline: model,
    model,
    pipelineText,
    specHash: "a".repeat(64),
    files: [],
    requestedBy: "test",
    requesterAuthenticated: false,
  });
  const registered = await db.registry.register(
    {
      model,
      digest,
      manifest,
      evaluation,
      dataset: row.dataset,
      runId,
      ...(holdout === undefined ? {} : { holdout }),
    },
    AUDIT,
  );
  // With keys on nobody decides without one.
  const requesterAuthenticated = await db.keys.isEnabled();
  return { registered, approvalId: await approve(db, registered, { requesterAuthenticated }) };
}
