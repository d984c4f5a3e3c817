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
}

const numbers = z.array(z.number());
const checkpointSchema = z.strictObject({
  kind: z.literal("aura.gbdt-checkpoint/1"),
  plan: z.string(),
  number: z.int(),
  place: z.int(),
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
    }),
  ),
});

const MAX_CHECKPOINT_BYTES = 256 * 1024 * 1024;

export async function putCheckpoint(
  objects: ObjectStore,
  owner: CheckpointOwner,
  checkpoint: GbdtCheckpoint,
): Promise<ObjectRef> {
  const document = { kind: "aura.gbdt-checkpoint/1", ...owner, ...checkpoint };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return objects.put(`processed/json/${sha256Hex(bytes)}.json`, bytes);
}

/**
 * @returns undefined when it is not there any more: the fold then starts anew
 * @throws {PlatformError} integrity: the bytes are not a checkpoint, or one of another training
 */
export async function getCheckpoint(
  objects: ObjectStore,
  ref: ObjectRef,
  owner: CheckpointOwner,
): Promise<GbdtCheckpoint | undefined> {
  const bytes = await objects.get(ref, MAX_CHECKPOINT_BYTES).catch((error: unknown) => {
    if (isPlatformError(error) && error.code === "not_found") return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const parsed = checkpointSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success)
    throw new PlatformError("integrity", `read checkpoint [${ref.key}]: ${z.prettifyError(parsed.error)}`);
  const { plan, number, place, iteration, trees, history } = parsed.data;
  if (plan !== owner.plan || number !== owner.number || place !== owner.place) {
    const name = (of: CheckpointOwner) =>
      `fold ${of.place} of trial ${of.number} of plan ${of.plan.slice(0, 12)}`;
    throw new PlatformError(
      "integrity",
      `read checkpoint [${ref.key}]: expected ${name(owner)}, got ${name({ plan, number, place })}`,
    );
  }
  return { iteration, trees, history: history.map((figure) => figure ?? Number.NaN) };
}
