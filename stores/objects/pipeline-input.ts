import { canonicalJson, hashOf, sha256Hex } from "../../schemas/canonical-json.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import type { ImportedModel } from "../../schemas/models/model-import.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { ParseOptions } from "../../schemas/pipeline/parse.ts";
import { modelNameOf } from "../../schemas/pipeline/pipeline.ts";
import { putDocument } from "./documents.ts";
import type { ObjectStore } from "./port.ts";

export interface PipelineRequest {
  /** Text of the pipeline file. */
  readonly text: string;
  readonly files: readonly RawFile[];
  readonly requestedBy: { readonly id: string; readonly authenticated: boolean };
  readonly scheduleKey?: string;
  /** A model from elsewhere that takes the place of training. */
  readonly imported?: ImportedModel;
  /** A retrain asks for it: its version is held against the change envelope. */
  readonly isRetrain?: boolean;
  /** Further checks of the file, e.g. the trainers' parameter tables. */
  readonly checks?: ParseOptions;
}

/** Input of a pipeline run as its workflow takes it: references only. */
export interface StoredPipelineInput {
  readonly pipeline: string;
  readonly model: string;
  readonly specHash: string;
  readonly spec: ObjectRef;
  readonly text: ObjectRef;
  readonly files: ObjectRef;
  readonly requestedBy: { readonly id: string; readonly authenticated: boolean };
  readonly scheduleKey?: string;
  readonly imported?: ImportedModel;
  readonly isRetrain?: boolean;
}

/**
 * Checks a pipeline file, stores what the run needs, and says what identifies the run.
 *
 * @returns `inputHash` covers the canonical spec, the names and hashes of the raw files, the schedule key and an imported model: the same
 *          file on the same data is the same run, anything else is another
 * @throws {PlatformError} invalid_pipeline
 */
export async function storePipelineInput(
  objects: ObjectStore,
  request: PipelineRequest,
): Promise<{ input: StoredPipelineInput; inputHash: string }> {
  const { pipeline, hash } = parsePipeline(request.text, "pipeline.yaml", request.checks);
  const files = [...request.files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const text = new TextEncoder().encode(request.text);
  const { imported } = request;
  const foreign = imported === undefined ? {} : { imported };
  const schedule = request.scheduleKey === undefined ? {} : { scheduleKey: request.scheduleKey };
  const input: StoredPipelineInput = {
    pipeline: pipeline.name,
    model: modelNameOf(pipeline),
    specHash: hash,
    spec: await putDocument(objects, pipeline),
    text: await objects.put(`processed/json/${sha256Hex(text)}.yaml`, text),
    files: await putDocument(objects, files),
    requestedBy: request.requestedBy,
    ...schedule,
    ...foreign,
    ...(request.isRetrain === true ? { isRetrain: true } : {}),
  };
  const raw = files.map((file) => [file.name, file.object.sha256]);
  return {
    input,
    inputHash: hashOf(canonicalJson({ spec: hash, raw, ...schedule, ...foreign })).slice(0, 32),
  };
}
