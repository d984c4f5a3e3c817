import { codeVersion } from "../../config/code-version.ts";
import { evaluationSchema, versionManifestSchema } from "../../schemas/models/model-version.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { AuditEntry, Database } from "../../stores/postgres/port.ts";
import { activityKey, systemAudit } from "../audit.ts";
import { getDocument, putDocument, readPipeline } from "../../stores/objects/documents.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import type { Requester } from "../runs/messages.ts";
import { approvalEvidence, evidenceSummary } from "./evidence.ts";
import { lighterApproval, withEnvelope } from "./envelope-gates.ts";
import { decideGates, ownGates } from "./gates.ts";
import type {
  GateInput,
  GateOutcome,
  PromoteInput,
  PromoteResult,
  RegisterInput,
  RegisterResult,
} from "./messages.ts";

export interface RegistryActivityDeps {
  readonly db: Database;
  readonly objects: ObjectStore;
}

/** The registry: versions, gates, the champion alias. */
export function createRegistryActivities({ db, objects }: RegistryActivityDeps) {
  return {
    /**
     * Registers a version after proving that every file of it is stored and whole.
     *
     * **Effects**: version row with its holdout, run row, audit row; of the champion its gates. **Idempotency**: (model, run)
     * and digest.
     * **Errors**: integrity when a file is missing or differs. **Retry**: dependency.
     */
    async registerVersion(input: RegisterInput): Promise<RegisterResult> {
      const { runId, model } = input;
      const manifest = await getDocument(objects, input.manifest, versionManifestSchema);
      const evaluation = await getDocument(objects, input.evaluation, evaluationSchema);
      for (const ref of Object.values(manifest.files)) await objects.fetch(ref);
      const digest = versionDigest({ model, files: manifest.files });
      const champion = await db.registry.champion(model);
      const row = await db.registry.register(
        {
          model,
          digest,
          manifest,
          evaluation,
          dataset: input.dataset,
          runId,
          holdout: input.holdout,
          code: codeVersion(),
        },
        systemAudit("version.register", `model/${model}`, { digest, runId }),
      );
      const { metrics } = evaluation;
      const { version } = row;
      await db.runs.update(runId, { version, digest, metrics, evaluation });
      if (champion?.digest !== digest) return { version, digest, isChampion: false, metrics };
      if (input.spec === undefined) return { version, digest, isChampion: true, metrics };
      const gates = ownGates(await readPipeline(objects, input.spec), evaluation);
      gates.push({ name: `champion @${version}`, passed: true, detail: "it is the champion" });
      await db.registry.setGates(model, version, gates);
      await db.runs.update(runId, { gates });
      return { version, digest, isChampion: true, metrics, gates };
    },

    /** **Effects**: gates of the version and of the run, evidence document. **Idempotency**: same inputs, same rows. */
    async checkGates(input: GateInput): Promise<GateOutcome> {
      const { runId, model, version } = input;
      const row = await db.registry.version(model, version);
      if (row === undefined)
        throw new PlatformError("not_found", `check gates [${model}@${version}]: no such version`);
      const pipeline = await readPipeline(objects, input.spec);
      const { envelope } = input;
      const decision = withEnvelope(decideGates(pipeline, row.evaluation, input.champion), envelope);
      await db.registry.setGates(model, version, decision.gates);
      await db.runs.update(runId, { gates: [...decision.gates] });
      if (!decision.passed) {
        const audit = systemAudit("version.gate", `model/${model}@${version}`, { runId });
        const refusal = { outcome: "refused", reason: decision.message, key: activityKey() } as const;
        await db.audit.append({ ...audit, ...refusal });
      }
      const evidence = approvalEvidence({
        row,
        gates: decision.gates,
        champion: input.champion ?? null,
        dataset: (await db.datasets.get(row.dataset))?.manifest,
        ...(envelope === undefined ? {} : { envelope }),
      });
      return {
        ...decision,
        ...lighterApproval(pipeline, envelope),
        evidence: await putDocument(objects, evidence),
        summary: evidenceSummary(evidence),
      };
    },

    /**
     * Moves the champion alias. **Effects**: alias event, stages, audit, NOTIFY, in one transaction.
     * **Idempotency**: requestId. **Errors**: already_decided; gate_refused without an approval, except for a former
     * champion; conflict when the champion is another one than the approval's evidence names. **Retry**: dependency.
     */
    async promoteVersion(input: PromoteInput): Promise<PromoteResult> {
      const { model, version, digest, requestId, approvalId, reason } = input;
      const approvers = approvalId === null ? [] : await approversOf(db, approvalId);
      const audit: AuditEntry = {
        actor: { ...(input.actor ?? together(approvers)), role: "approver" },
        action: "version.promote",
        subject: `model/${model}@${version}`,
        outcome: "ok",
        details: { digest, reason, approvalId, approvers },
      };
      try {
        const event = await db.registry.promote(
          { model, version, digest, requestId, approvalId, reason },
          audit,
        );
        return { model, version, previousVersion: event.previousVersion, at: event.at };
      } catch (error) {
        if (isPlatformError(error) && !error.isRetryable) {
          const refusal = { outcome: "refused", reason: error.message, key: activityKey() } as const;
          await db.audit.append({ ...audit, ...refusal });
        }
        throw error;
      }
    },
  };
}

interface Approver extends Requester {
  readonly selfApproved: boolean;
}

/** Who gave an approval, as recorded: no word of a workflow's input is taken for it. */
async function approversOf(db: Database, approvalId: string): Promise<Approver[]> {
  const approval = await db.approvals.get(approvalId);
  return (approval?.decisions ?? [])
    .filter(({ decision }) => decision === "approve")
    .map(({ by, authenticated, selfApproved = false }) => ({ id: by, authenticated, selfApproved }));
}

function together(approvers: readonly Approver[]): Requester {
  return {
    id: approvers.map(({ id }) => id).join(", "),
    authenticated: approvers.length > 0 && approvers.every(({ authenticated }) => authenticated),
  };
}
