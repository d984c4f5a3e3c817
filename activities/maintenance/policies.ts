import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { Database, VersionRow } from "../../stores/postgres/port.ts";
import type { MaintainedPipeline } from "./answers.ts";

type PolicyStores = Pick<Database, "registry" | "runs">;
type Version = Pick<VersionRow, "model" | "digest" | "runId">;

/**
 * What comes of a predicted failure, by model: as the newest run says it that ended with the champion in use. Who decides, and on
 * what, stays as it stands in the file that the champion was approved with: an unchanged run asks nobody, and must not
 * take a decision from the people it was given to.
 */
export class MaintenancePolicies {
  readonly #db: PolicyStores;
  /** By model and version: neither changes. */
  #versions = new Map<string, Version>();
  /** By run; undefined: it says nothing of maintenance. */
  #pipelines = new Map<string, MaintainedPipeline | undefined>();

  constructor(db: PolicyStores) {
    this.#db = db;
  }

  /** Of every model with a champion and a policy. */
  async list(): Promise<ReadonlyMap<string, MaintainedPipeline>> {
    const found = new Map<string, MaintainedPipeline>();
    const versions = new Map<string, Version>();
    const pipelines = new Map<string, MaintainedPipeline | undefined>();
    for (const { model, champion } of await this.#db.registry.models()) {
      if (champion === null) continue;
      const key = `${model}@${champion}`;
      const version = this.#versions.get(key) ?? (await this.#db.registry.version(model, champion));
      if (version === undefined) continue;
      const { digest, runId } = version;
      versions.set(key, { model, digest, runId });
      const [standing, approved] = await Promise.all([
        standingRun(this.#db, { model, digest, runId }),
        approvedRun(this.#db, { model, digest, runId }),
      ]);
      for (const one of [standing, approved])
        pipelines.set(
          one,
          this.#pipelines.has(one) ? this.#pipelines.get(one) : await pipelineOf(this.#db, one),
        );
      const pipeline = pipelines.get(standing);
      if (pipeline !== undefined) found.set(model, asApproved(pipeline, pipelines.get(approved)));
    }
    this.#versions = versions;
    this.#pipelines = pipelines;
    return found;
  }
}

/** The policy of one model's champion; undefined where it has none. */
export async function maintainedPipelineOf(
  db: PolicyStores,
  model: string,
): Promise<MaintainedPipeline | undefined> {
  const champion = await db.registry.champion(model);
  if (champion === undefined) return undefined;
  const standing = await pipelineOf(db, await standingRun(db, champion));
  if (standing === undefined) return undefined;
  return asApproved(standing, await pipelineOf(db, await approvedRun(db, champion)));
}

/** Where the approved file says nothing of maintenance, there is nothing that could be taken from anybody. */
export function asApproved(
  standing: MaintainedPipeline,
  approved: MaintainedPipeline | undefined,
): MaintainedPipeline {
  if (approved === undefined) return standing;
  const { critical, others, deciders } = approved.maintenance;
  return { ...standing, maintenance: { ...standing.maintenance, critical, others, deciders } };
}

async function standingRun({ runs }: PolicyStores, version: Version): Promise<string> {
  return (await runs.latestStanding(version.model, version.digest))?.runId ?? version.runId;
}

/** The run whose approval it was promoted by; another one may have made it first. */
async function approvedRun({ runs }: PolicyStores, version: Version): Promise<string> {
  return (await runs.latestApproved(version.model, version.digest))?.runId ?? version.runId;
}

async function pipelineOf({ runs }: PolicyStores, runId: string): Promise<MaintainedPipeline | undefined> {
  const input = await runs.inputOf(runId);
  return input === undefined ? undefined : maintainedPipeline(input.pipeline);
}

/** @returns undefined: it says nothing of maintenance, or an earlier release took what this one does not */
function maintainedPipeline(text: string): MaintainedPipeline | undefined {
  try {
    const { pipeline } = parsePipeline(text, "pipeline.yaml");
    const { maintenance } = pipeline;
    return maintenance === undefined ? undefined : { ...pipeline, maintenance };
  } catch (error) {
    if (isPlatformError(error)) return undefined;
    throw error;
  }
}
