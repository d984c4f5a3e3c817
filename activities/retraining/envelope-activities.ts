import { hashOf } from "../../schemas/canonical-json.ts";
import type { EnvelopeFinding, EnvelopeItem } from "../../schemas/models/envelope-finding.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import { candidateName, membersOf, trainedCandidates } from "../candidates.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts } from "../features/sensor-columns.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { foundPipeline } from "../search/found-pipeline.ts";
import { approvedEnvelope, declarationHash } from "./approved-envelope.ts";
import { compareWithEnvelope } from "./envelope.ts";
import type { DataExtent, EnvelopeSubject, TrainedCandidate } from "./envelope.ts";
import { pipelineOfRun } from "./standing-pipeline.ts";

export interface EnvelopeInput {
  readonly runId: string;
  readonly model: string;
  readonly version: number;
  /** Metrics of the champion on the same rows. */
  readonly champion?: { readonly metrics: MetricSet };
}

const MOST_ITEMS = 100;
const MOST_CHARACTERS = 200;

type EnvelopeDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb">;

/** How far a retrained version may differ from the champion to be approved lightly. */
export function createEnvelopeActivities(deps: EnvelopeDeps) {
  const { db } = deps;
  return {
    /**
     * Holds a version that a retrain made against the change envelope that people approved with the champion.
     *
     * @returns null where none counts: the file declares none, or another one than was approved
     *
     * **Effects**: none. **Idempotency**: recorded documents; only the age of the data moves with the clock.
     * **Heartbeat**: 1 s. **Errors**: integrity. **Retry**: work.
     */
    async checkEnvelope(input: EnvelopeInput): Promise<EnvelopeFinding | null> {
      return withHeartbeat(async () => {
        const { runId, model } = input;
        const champion = await db.registry.champion(model);
        const version = await db.registry.version(model, input.version);
        const { pipeline } = await pipelineOfRun(db, runId);
        const { envelope: declared } = pipeline.retraining;
        if (champion === undefined || version === undefined || declared === undefined) return null;
        const approved = await approvedEnvelope(db, champion);
        if (approved === undefined || approved.hash !== hashOf(declared)) return null;
        const { envelope, hash, approvalId, approvedBy } = approved;
        const first = await db.registry.version(model, approved.version);
        if (first === undefined) return null;
        const items = compareWithEnvelope({
          envelope,
          version: await subjectOf(deps, version, { runId, pipeline }),
          approved: await approvedOf(deps, first),
          declared: { now: declarationHash(pipeline), approved: approved.declared },
          metrics: version.evaluation.metrics,
          championMetrics: input.champion?.metrics,
          nowMs: Date.now(),
        });
        const inside = items.every((item) => item.inside);
        return { hash, approvalId, approvedBy: [...approvedBy], inside, items: shown(items) };
      });
    },
  };
}

/** Evidence is a page: a search over hundreds of parameters is cut, those outside first. */
function shown(items: readonly EnvelopeItem[]): EnvelopeItem[] {
  const cut = (text: string): string => text.slice(0, MOST_CHARACTERS);
  return items
    .toSorted((a, b) => Number(a.inside) - Number(b.inside))
    .slice(0, MOST_ITEMS)
    .map((item) => ({ ...item, item: cut(item.item), allowed: cut(item.allowed), found: cut(item.found) }));
}

async function subjectOf(
  deps: EnvelopeDeps,
  version: VersionRow,
  run: { readonly runId: string; readonly pipeline: Pipeline },
): Promise<EnvelopeSubject> {
  const { signature: ref } = version.manifest.files;
  if (ref === undefined)
    throw new PlatformError("integrity", `check envelope [${version.model}]: it has no signature`);
  const signature = await getDocument(deps.objects, ref, signatureSchema);
  return {
    features: signature.inputs.map(({ name }) => name),
    ...(await chosenOf(deps, version, run)),
    data: await extentOf(deps, version.dataset),
  };
}

/** With all that its run trained: what was not chosen then may be now. */
async function approvedOf(deps: EnvelopeDeps, approved: VersionRow): Promise<EnvelopeSubject> {
  const run = await pipelineOfRun(deps.db, approved.runId);
  const found = await foundOf(deps, run);
  const trained = trainedCandidates(found).map(({ candidate }) => trainedOf(candidate));
  return { ...(await subjectOf(deps, approved, run)), trained };
}

/** The file with the parameters that the run's searches found. */
async function foundOf(
  { db }: EnvelopeDeps,
  { runId, pipeline }: { readonly runId: string; readonly pipeline: Pipeline },
): Promise<Pipeline> {
  const searched = trainedCandidates(pipeline).filter(({ candidate }) => candidate.search !== undefined);
  const candidates = searched.map(({ name }) => name);
  return (await foundPipeline(db.trials, { runId, pipeline, candidates })).found;
}

/** What was chosen, as the file names it, with the parameters that it was trained with. */
async function chosenOf(
  deps: EnvelopeDeps,
  { evaluation }: VersionRow,
  { runId, pipeline }: { readonly runId: string; readonly pipeline: Pipeline },
): Promise<Pick<EnvelopeSubject, "chosen" | "trained">> {
  const index = pipeline.candidates.findIndex(
    (candidate, i) => candidateName(candidate, i) === evaluation.candidate,
  );
  const candidate = pipeline.candidates[index];
  // Made elsewhere, or the constant baseline: it has a name and no parameters.
  if (candidate === undefined) return { chosen: evaluation.candidate, trained: [] };
  const found = await foundOf(deps, { runId, pipeline });
  const chosen = found.candidates[index] ?? candidate;
  const members = chosen.kind === "blend" ? membersOf(found, chosen).map((one) => one.candidate) : [chosen];
  return { chosen: nameOf(candidate), trained: members.map(trainedOf) };
}

const nameOf = ({ name, kind }: { readonly name?: string | undefined; readonly kind: string }): string =>
  name ?? kind;

function trainedOf(candidate: Pipeline["candidates"][number]): TrainedCandidate {
  const { kind, params, features } = candidate;
  return { name: nameOf(candidate), kind, params, ...(features === undefined ? {} : { features }) };
}

/** Of data that was removed since, nothing is known. */
async function extentOf(deps: EnvelopeDeps, dataset: string): Promise<DataExtent> {
  const manifest = (await deps.db.datasets.get(dataset))?.manifest;
  const source = Object.values(manifest?.sources ?? {}).find(({ role }) => role === "readings");
  if (source === undefined) return { rows: 0, assets: 0, oldestMs: null, newestMs: null };
  const known = { rows: source.counts.accepted, assets: source.nAssets };
  if (source.timeKind !== "timestamp" || source.parts.length === 0)
    return { ...known, oldestMs: null, newestMs: null };
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const [row] = await deps.duckdb.query(`SELECT min(__t) AS oldest, max(__t) AS newest FROM ${from}`);
  return { ...known, oldestMs: millis(row?.["oldest"]), newestMs: millis(row?.["newest"]) };
}

/** Of microseconds; null for none. */
function millis(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value) / 1_000;
}
