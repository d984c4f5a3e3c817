import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { MaintainedPipeline } from "./answers.ts";

/** Pipelines of models with a champion that say what comes of a predicted failure; each text is read once. */
export class MaintenancePolicies {
  readonly #db: Pick<Database, "registry" | "online">;
  #read = new Map<string, { readonly text: string; readonly pipeline: MaintainedPipeline | undefined }>();

  constructor(db: Pick<Database, "registry" | "online">) {
    this.#db = db;
  }

  /** By model, as the newest run of each has it. */
  async list(): Promise<ReadonlyMap<string, MaintainedPipeline>> {
    const read = new Map<string, { text: string; pipeline: MaintainedPipeline | undefined }>();
    for (const { model, champion } of await this.#db.registry.models()) {
      if (champion === null) continue;
      const text = (await this.#db.online.pipelineOf(model))?.text;
      if (text === undefined) continue;
      const known = this.#read.get(model);
      read.set(model, known?.text === text ? known : { text, pipeline: maintainedPipeline(text) });
    }
    this.#read = read;
    return new Map(
      [...read].flatMap(([model, { pipeline }]) => (pipeline === undefined ? [] : [[model, pipeline]])),
    );
  }
}

/** @returns undefined: it says nothing of maintenance, or an earlier release took what this one does not */
export function maintainedPipeline(text: string): MaintainedPipeline | undefined {
  try {
    const { pipeline } = parsePipeline(text, "pipeline.yaml");
    const { maintenance } = pipeline;
    return maintenance === undefined ? undefined : { ...pipeline, maintenance };
  } catch (error) {
    if (isPlatformError(error)) return undefined;
    throw error;
  }
}
