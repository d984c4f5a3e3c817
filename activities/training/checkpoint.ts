import { z } from "zod";
import type { TrainedModel } from "../../numerics/model.ts";
import type { TreeCheckpoint } from "../../numerics/training-hooks.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { TrainingCheckpoint } from "./checkpoint-sender.ts";
import type { Fit } from "./fit-candidate.ts";

/** Which training a checkpoint belongs to: it is of no use to any other. */
export interface CheckpointOwner {
  /** What is trained, with the hash of all that it depends on: data, folds, parameters. */
  readonly subject: string;
  /** Of several trainings of the subject, e.g. the folds of a trial: which one. */
  readonly place: number;
  /** Of the code: another one may grow other trees. */
  readonly version: number;
}

const numbers = z.array(z.number());
/** null: undefined on these rows. */
const figures = z.array(z.number().nullable());
const begunSchema = z.strictObject({
  iteration: z.int().min(0),
  history: figures,
  trees: z.array(
    z.strictObject({
      output: z.int(),
      width: z.int(),
      feature: numbers,
      threshold: numbers,
      missingLeft: numbers,
      left: numbers,
      right: numbers,
      value: numbers,
      gain: numbers,
      count: numbers,
      leftCodes: z.record(z.string(), numbers).exactOptional(),
    }),
  ),
});
const ownerShape = { subject: z.string(), place: z.int(), version: z.int() };
const checkpointSchema = z.strictObject({
  kind: z.literal("aura.training-checkpoint/1"),
  ...ownerShape,
  /** Models that are trained, some in each object: none is written twice. */
  parts: z.array(objectRefSchema),
  begun: begunSchema.exactOptional(),
});
const partSchema = z.strictObject({
  kind: z.literal("aura.trained-models/1"),
  ...ownerShape,
  ended: z.array(
    z.strictObject({
      /** The trainer's own code checks the rest when the model predicts. */
      model: z.looseObject({
        kind: z.enum(["tree_ensemble", "linear", "constant", "pca_monitor"]),
        nFeatures: z.int(),
        nOutputs: z.int(),
      }),
      bestIteration: z.number().nullable(),
      history: figures.exactOptional(),
    }),
  ),
});

const MAX_CHECKPOINT_BYTES = 256 * 1024 * 1024;

/** A checkpoint as it is stored: what ended lies in objects of its own. */
export interface StoredCheckpoint {
  readonly parts: readonly ObjectRef[];
  readonly begun?: TreeCheckpoint;
}

/**
 * Stores models that ended since the last part.
 *
 * @throws {PlatformError} as {@link putCheckpoint}
 */
export const putPart = (objects: ObjectStore, owner: CheckpointOwner, ended: readonly Fit[]) =>
  put(objects, owner, { kind: "aura.trained-models/1", ended });

/** @throws {PlatformError} body_too_large: no one could read it; objects_unavailable: the disk is full, say */
export const putCheckpoint = (objects: ObjectStore, owner: CheckpointOwner, stored: StoredCheckpoint) =>
  put(objects, owner, { kind: "aura.training-checkpoint/1", ...stored });

async function put(objects: ObjectStore, owner: CheckpointOwner, document: object): Promise<ObjectRef> {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...owner, ...document }));
  if (bytes.length > MAX_CHECKPOINT_BYTES) {
    throw new PlatformError(
      "body_too_large",
      `store checkpoint of ${nameOf(owner)}: expected at most ${MAX_CHECKPOINT_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
}

/** What a training goes on from, and the objects that it lies in beside its checkpoint. */
export interface FoundCheckpoint extends TrainingCheckpoint {
  readonly parts: readonly ObjectRef[];
}

/**
 * What a training goes on from. A checkpoint that is gone or damaged, or that belongs to other data, parameters
 * or code, is of no use and no harm: the training then starts anew.
 *
 * @param onRefused  told why a checkpoint is not used
 * @returns undefined when there is nothing to go on from
 * @throws {PlatformError} objects_unavailable: the store cannot be asked
 */
export async function getCheckpoint(
  objects: ObjectStore,
  ref: ObjectRef,
  { owner, onRefused }: { readonly owner: CheckpointOwner; readonly onRefused: (why: string) => void },
): Promise<FoundCheckpoint | undefined> {
  const read = async <T extends CheckpointOwner>(one: ObjectRef, schema: z.ZodType<T>): Promise<T> =>
    ownedBy(owner, parsed(await objects.get(one, MAX_CHECKPOINT_BYTES), one, schema), one);
  try {
    const { parts, begun } = await read(ref, checkpointSchema);
    const ended: Fit[] = [];
    for (const part of parts) ended.push(...(await read(part, partSchema)).ended.map(fitOf));
    return { parts, ended, ...(begun === undefined ? {} : { begun: withHistory(begun) }) };
  } catch (error) {
    if (!isPlatformError(error) || !UNUSABLE.has(error.code)) throw error;
    onRefused(error.message);
    return undefined;
  }
}

const UNUSABLE: ReadonlySet<string> = new Set(["not_found", "integrity", "body_too_large"]);

/** @throws {PlatformError} integrity: the bytes are not what they should be */
function parsed<T>(bytes: Uint8Array, ref: ObjectRef, schema: z.ZodType<T>): T {
  const found = schema.safeParse(jsonOf(bytes));
  if (found.success) return found.data;
  throw new PlatformError("integrity", `read checkpoint [${ref.key}]: ${z.prettifyError(found.error)}`);
}

/** @throws {PlatformError} integrity: it is of another training */
function ownedBy<T extends CheckpointOwner>(owner: CheckpointOwner, found: T, ref: ObjectRef): T {
  if (nameOf(found) === nameOf(owner)) return found;
  throw new PlatformError(
    "integrity",
    `read checkpoint [${ref.key}]: expected ${nameOf(owner)}, got ${nameOf(found)}`,
  );
}

function fitOf({ model, bestIteration, history }: z.infer<typeof partSchema>["ended"][number]): Fit {
  const fit = { model: model as unknown as TrainedModel, bestIteration };
  return history === undefined ? fit : withHistory({ ...fit, history });
}

/** Figures that JSON cannot say. */
function withHistory<T extends { readonly history: readonly (number | null)[] }>(of: T) {
  return { ...of, history: of.history.map((figure) => figure ?? Number.NaN) };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

const nameOf = ({ subject, place, version }: CheckpointOwner): string =>
  `training ${place} of ${subject}, version ${version}`;
