import type { Sql } from "../../connection/connection-pool.ts";
import type { NewVersion } from "../../port.ts";

/** Holdouts: one per version, and the model's frozen one that later runs keep (docs/decisions/frozen-holdout.md). */

/** Stores a new version's holdout in the transaction of its registration; the model's first one is frozen at once. */
export async function keepHoldout(
  sql: Sql,
  v: Pick<NewVersion, "model" | "dataset"> & {
    readonly version: number;
    readonly holdout: NonNullable<NewVersion["holdout"]>;
  },
): Promise<void> {
  const { hash, object } = v.holdout;
  await sql.query(
    `insert into aura.version_holdouts (model, version, hash, object_key, object_sha256, object_bytes, dataset_id)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [v.model, v.version, hash, object.key, object.sha256, object.bytes, v.dataset],
  );
  const frozen = await sql.query("select revision from aura.holdouts where model = $1 limit 1", [v.model]);
  if (frozen.length === 0) await freezeHoldout(sql, v);
}

/** Makes a version's holdout the model's; one that was frozen before stays where it is. The model's row is locked. */
export async function freezeHoldout(
  sql: Sql,
  { model, version }: { readonly model: string; readonly version: number },
): Promise<void> {
  await sql.query(
    `insert into aura.holdouts (model, revision, hash, object_key, object_sha256, object_bytes, dataset_id)
     select v.model,
            (select coalesce(max(h.revision), 0) + 1 from aura.holdouts h where h.model = v.model),
            v.hash, v.object_key, v.object_sha256, v.object_bytes, v.dataset_id
       from aura.version_holdouts v where v.model = $1 and v.version = $2
     on conflict (model, hash) do nothing`,
    [model, version],
  );
}
