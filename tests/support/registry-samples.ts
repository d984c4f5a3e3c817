import { hashOf, sha256Hex } from "../../schemas/canonical-json.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Evaluation, VersionManifest } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ScoreSummary } from "../../schemas/serving/score.ts";
import type {
  Actor,
  ApprovalRow,
  AuditEntry,
  Database,
  DatasetEntry,
  NewRun,
  VersionRow,
} from "../../stores/postgres/port.ts";

/** Small whole documents for tests of the stores; `seed` makes them differ. */
export const system: Actor = { id: "system", role: "system", authenticated: false };

export function auditOf(action: string, subject = "test"): AuditEntry {
  return { actor: system, action, subject, outcome: "ok" };
}

export function refOf(seed: string): ObjectRef {
  const sha256 = sha256Hex(seed);
  return { key: `raw/sha256/${sha256}`, sha256, bytes: seed.length };
}

export function runOf(runId: string, model = "pump"): NewRun {
  return {
    runId,
    workflowId: `pipeline/${model}/${runId}`,
    pipeline: model,
    model,
    pipelineText: `name: ${model}\n`,
    specHash: sha256Hex(runId),
    files: [{ name: "a.csv", object: refOf(`file of ${runId}`) }],
    requestedBy: "ada",
    requesterAuthenticated: false,
  };
}

export function evaluationOf(rmse: number): Evaluation {
  return {
    kind: "aura.evaluation/1",
    dataset: sha256Hex("dataset"),
    holdout: sha256Hex("holdout"),
    labelConvention: "remaining readings",
    primaryMetric: "rmse",
    candidate: "gbdt",
    metrics: { test: { rmse }, cv: { rmse } },
    intervals: {},
    candidates: [],
    slices: [],
    thresholds: [],
    importance: [],
    rows: { train: 10, test: 5, cv: 10 },
    checks: [],
  };
}

export function versionOf(
  model: string,
  seed: string,
  runId = `run-${seed}`,
): Omit<VersionRow, "version" | "stage" | "aliases" | "createdAt" | "gates" | "code"> {
  const manifest: VersionManifest = { kind: "aura.model/1", model, files: { onnx: refOf(seed) } };
  return {
    model,
    digest: hashOf({ model, seed }),
    manifest,
    evaluation: evaluationOf(12.5),
    dataset: sha256Hex(`dataset of ${seed}`),
    runId,
  };
}

export function approvalOf(
  id: string,
  over: Partial<ApprovalRow> = {},
): Omit<ApprovalRow, "state" | "decisions" | "createdAt" | "decidedAt"> {
  return {
    id,
    kind: "promotion",
    subject: "model/pump",
    digest: sha256Hex(id),
    model: "pump",
    version: 1,
    workflowId: `approve/${id}`,
    requestedBy: "ada",
    requesterAuthenticated: false,
    policy: {
      approvers: [],
      quorum: 1,
      deadline: "7d",
      onDeadline: "expire",
      escalateTo: [],
      reminder: "1d",
      allowDirectSignals: false,
    },
    evidence: { rmse: 12.5 },
    deadline: "2999-01-01T00:00:00.000Z",
    ...over,
  };
}

/** Opens an approval of the version, has `bea` give it, and returns its id. */
export async function approve(
  db: Database,
  { model, version, digest }: Pick<VersionRow, "model" | "version" | "digest">,
  over: Partial<ApprovalRow> = {},
): Promise<string> {
  const id = over.id ?? `ap.${model}.${version}`;
  await db.approvals.open(approvalOf(id, { model, version, digest, ...over }), auditOf("approval.open"));
  await db.approvals.decide(
    id,
    digest,
    {
      decisionId: `d.${id}`,
      decision: "approve",
      by: "bea",
      authenticated: over.requesterAuthenticated ?? false,
      channel: "api",
      reason: "",
    },
    auditOf("approval.decide", `approval/${id}`),
  );
  return id;
}

/** A dataset of one readings source made of one original. */
export function datasetOf(seed: string, assets: readonly string[]): DatasetEntry {
  const counts = { read: 12, accepted: 10, quarantined: 2, byReason: { range: 2 } };
  const raw = refOf(`raw ${seed}`);
  const manifest: DatasetManifest = {
    kind: "aura.dataset/1",
    pipeline: "pump",
    owner: "Jürgen",
    retention: "5y",
    raw: [{ name: `${seed}.csv`, source: "readings", part: "", object: raw }],
    sources: {
      readings: {
        role: "readings",
        hasAsset: true,
        timeKind: "cycle",
        columns: [],
        schemaHash: sha256Hex("schema"),
        parts: [],
        counts,
        nAssets: assets.length,
      },
    },
  };
  return {
    id: hashOf(manifest),
    manifest,
    manifestObject: refOf(`manifest ${seed}`),
    runId: `run-${seed}`,
    counts: { readings: counts },
    perFile: [
      { source: "readings", name: `${seed}.csv`, sha256: raw.sha256, read: 12, accepted: 10, quarantined: 2 },
    ],
    quarantine: [
      {
        source: "readings",
        file: `${seed}.csv`,
        line: 3,
        code: "range",
        message: "s1 = 900",
        text: "1,\0,900",
      },
      {
        source: "readings",
        file: `${seed}.csv`,
        line: 9,
        code: "range",
        message: "s1 = 901",
        text: "1,2,901",
      },
    ],
    assets: assets.map((id) => ({ id, source: "readings", rows: 5, firstT: "1", lastT: "9007199254740993" })),
    audit: auditOf("dataset.register"),
  };
}

/** What a fleet score of two assets says of itself. */
export function scoreSummaryOf(): ScoreSummary {
  const counts = { read: 12, accepted: 10, quarantined: 2, byReason: { out_of_range: 2 } };
  return {
    kind: "risk",
    order: "descending",
    unit: null,
    horizon: "30d",
    cap: null,
    threshold: 0.25,
    classLabels: null,
    commonClass: null,
    data: { ...counts, bySource: { readings: counts }, maxBadShare: 0.01 },
    assets: { seen: 3, scored: 2, leftOut: 1, incomplete: 1, short: 0 },
    needs: { readings: 30, hours: 0 },
    features: 4,
    leftOut: [{ asset: "lost", reason: "all_rows_quarantined", rows: 2, codes: ["out_of_range"] }],
  };
}
