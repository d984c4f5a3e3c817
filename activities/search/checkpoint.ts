import { z } from "zod";
import type { GbdtCheckpoint } from "../../numerics/gbdt/trainer.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";

/** Which boosting a checkpoint belongs to: it is of no use to any other. */
export interface CheckpointOwner {
  /** SHA-256 of the search plan, which names data, folds and parameters. */
  readonly plan: string;
  readonly number: number;
  /** Place of the fold in the plan. */
  readonly place: number;
  /** Of the trial's code: another one may grow other trees. */
  readonly version: number;
}

const numbers = z.array(z.number());
const seedSchema = z.strictObject({
  iteration: z.int().min(0),
  /** null: undefined on these rows. */
  history: z.array(z.number().nullable()),
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
const checkpointSchema = z.strictObject({
  kind: z.literal("aura.gbdt-checkpoint/2"),
  plan: z.string(),
  number: z.int(),
  place: z.int(),
  version: z.int(),
  /** Of every seed so far. */
  seeds: z.array(seedSchema),
});

const MAX_CHECKPOINT_BYTES = 256 * 1024 * 1024;

/** @throws {PlatformError} body_too_large: no one could read it; objects_unavailable: the disk is full, say */
export async function putCheckpoint(
  objects: ObjectStore,
  owner: CheckpointOwner,
  seeds: readonly GbdtCheckpoint[],
): Promise<ObjectRef> {
  const document = { kind: "aura.gbdt-checkpoint/2", ...owner, seeds };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  if (bytes.length > MAX_CHECKPOINT_BYTES) {
    throw new PlatformError(
      "body_too_large",
      `store checkpoint of trial ${owner.number}: expected at most ${MAX_CHECKPOINT_BYTES} bytes, got ${bytes.length}`,
    );
  }
  return objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
}

/**
 * What a training goes on from, by seed. A checkpoint that is gone or damaged, or that belongs to other data, parameters
 * or code, is of no use and no harm: the fold then starts anew.
 *
 * @param onRefused  told why a checkpoint is not used
 * @returns undefined when there is nothing to go on from
 * @throws {PlatformError} objects_unavailable: the store cannot be asked
 */
export async function getCheckpoint(
  objects: ObjectStore,
  ref: ObjectRef,
  { owner, onRefused }: { readonly owner: CheckpointOwner; readonly onRefused: (why: string) => void },
): Promise<readonly GbdtCheckpoint[] | undefined> {
  try {
    return checkpointOf(await objects.get(ref, MAX_CHECKPOINT_BYTES), ref, owner);
  } catch (error) {
    if (!isPlatformError(error) || !UNUSABLE.has(error.code)) throw error;
    onRefused(error.message);
    return undefined;
  }
}

const UNUSABLE: ReadonlySet<string> = new Set(["not_found", "integrity", "body_too_large"]);

/** @throws {PlatformError} integrity: the bytes are not a checkpoint, or one of another training */
function checkpointOf(bytes: Uint8Array, ref: ObjectRef, owner: CheckpointOwner): readonly GbdtCheckpoint[] {
  const parsed = checkpointSchema.safeParse(jsonOf(bytes));
  if (!parsed.success)
    throw new PlatformError("integrity", `read checkpoint [${ref.key}]: ${z.prettifyError(parsed.error)}`);
  const { seeds, kind: _, ...found } = parsed.data;
  if (nameOf(found) !== nameOf(owner)) {
    throw new PlatformError(
      "integrity",
      `read checkpoint [${ref.key}]: expected ${nameOf(owner)}, got ${nameOf(found)}`,
    );
  }
  return seeds.map(({ iteration, trees, history }) => ({
    iteration,
    trees,
    history: history.map((figure) => figure ?? Number.NaN),
  }));
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

const nameOf = ({ place, number, plan, version }: CheckpointOwner): string =>
  `fold ${place} of trial ${number} of plan ${plan.slice(0, 12)}, version ${version}`;
