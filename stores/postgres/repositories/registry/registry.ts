import type { GateResult } from "../../../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../../../schemas/object-ref.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { AliasListener } from "../../connection/alias-listener.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { AliasEvent, AuditEntry, NewVersion, Registry, ThresholdEvent, VersionRow } from "../../port.ts";
import { keepHoldout } from "./holdouts.ts";
import { moveChampion } from "./promotion.ts";
import type { Promotion } from "./promotion.ts";
import { changeThreshold, readThresholds } from "./thresholds.ts";
import type { ThresholdChange } from "./thresholds.ts";
import { selectEvents, selectVersions } from "./version-rows.ts";

/** The card is part of the digest: its figures are the same, and only what the file says beside them may differ. */
const EVALUATE_ANEW = "update aura.model_versions set evaluation = $3 where model = $1 and version = $2";

/** Models, versions, champion history and frozen holdouts. Stage and alias are written by `promotion.ts` alone. */
export class PostgresRegistry implements Registry {
  readonly #pool: ConnectionPool;
  readonly #listener: AliasListener;

  constructor(pool: ConnectionPool, listener: AliasListener) {
    this.#pool = pool;
    this.#listener = listener;
  }

  register(v: NewVersion, audit: AuditEntry): Promise<VersionRow> {
    return this.#pool.transaction(async (tx) => {
      await lockModel(tx, v.model);
      const [known] = await tx.query<{ version: number }>(
        "select version from aura.run_versions where model = $1 and run_id = $2",
        [v.model, v.runId],
      );
      if (known !== undefined) return one(tx, v.model, known.version);
      const [same] = await tx.query<{ version: number }>(
        "select version from aura.model_versions where model = $1 and digest = $2",
        [v.model, v.digest],
      );
      const version = same?.version ?? (await insertVersion(tx, v, audit));
      if (same !== undefined) await tx.query(EVALUATE_ANEW, [v.model, version, json(v.evaluation)]);
      await tx.query("insert into aura.run_versions (model, run_id, version) values ($1, $2, $3)", [
        v.model,
        v.runId,
        version,
      ]);
      return one(tx, v.model, version);
    });
  }

  /** Stores the gate table; a candidate that passed every gate becomes `staging`. */
  async setGates(model: string, version: number, gates: readonly GateResult[]): Promise<void> {
    await this.#pool.transaction(async (tx) => {
      // Against a promotion that goes on: it holds the same lock.
      await tx.query("select model from aura.models where model = $1 for update", [model]);
      const changed = await tx.query(
        "update aura.model_versions set gates = $3 where model = $1 and version = $2 returning version",
        [model, version, json(gates)],
      );
      if (changed.length === 0) throw unknownVersion(model, version);
    });
  }

  async version(model: string, version: number): Promise<VersionRow | undefined> {
    const [row] = await selectVersions(this.#pool, "where v.model = $1 and v.version = $2", [model, version]);
    return row;
  }

  async byDigest(model: string, digest: string): Promise<VersionRow | undefined> {
    const [row] = await selectVersions(this.#pool, "where v.model = $1 and v.digest = $2", [model, digest]);
    return row;
  }

  versions(model: string): Promise<VersionRow[]> {
    return selectVersions(this.#pool, "where v.model = $1 order by v.version desc", [model]);
  }

  models(): Promise<{ model: string; versions: number; champion: number | null }[]> {
    return this.#pool.query(
      `select m.model, count(v.version) as versions,
              (select a.version from aura.aliases a where a.model = m.model and a.alias = 'champion') as champion
         from aura.models m left join aura.model_versions v using (model)
        group by m.model order by m.model`,
    );
  }

  async champion(model: string, at?: string): Promise<(VersionRow & { event: AliasEvent }) | undefined> {
    const [found] = await selectEvents(
      this.#pool,
      `where e.model = $1 and e.alias = 'champion' and ($2::timestamptz is null or e.at <= $2)
       order by e.position desc limit 1`,
      [model, at ?? null],
    );
    if (found === undefined) return undefined;
    const { position: _position, requestId: _requestId, ...event } = found;
    const version = await this.version(model, event.version);
    return version === undefined ? undefined : { ...version, event };
  }

  champions(): Promise<VersionRow[]> {
    return selectVersions(
      this.#pool,
      `join aura.aliases c on c.model = v.model and c.version = v.version and c.alias = 'champion'
       order by v.model`,
      [],
    );
  }

  async history(model: string): Promise<AliasEvent[]> {
    const events = await selectEvents(this.#pool, "where e.model = $1 order by e.alias, e.position", [model]);
    return events.map(({ position: _position, requestId: _requestId, ...event }) => event);
  }

  promote(p: Promotion, audit: AuditEntry): Promise<AliasEvent> {
    return this.#pool.transaction((tx) => moveChampion(tx, p, audit));
  }

  setThreshold(change: ThresholdChange, audit: AuditEntry): Promise<ThresholdEvent> {
    return this.#pool.transaction((tx) => changeThreshold(tx, change, audit));
  }

  thresholdEvents(model: string, version: number): Promise<ThresholdEvent[]> {
    return readThresholds(this.#pool, model, version);
  }

  onAliasChange(listener: (model: string) => void): Promise<() => Promise<void>> {
    return this.#listener.subscribe(listener);
  }

  async versionHoldout(
    model: string,
    version: number,
  ): Promise<{ hash: string; object: ObjectRef } | undefined> {
    const [row] = await this.#pool.query<{ hash: string; key: string; sha256: string; bytes: number }>(
      `select hash, object_key as key, object_sha256 as sha256, object_bytes as bytes
         from aura.version_holdouts where model = $1 and version = $2`,
      [model, version],
    );
    if (row === undefined) return undefined;
    const { hash, ...object } = row;
    return { hash, object };
  }

  async holdout(
    model: string,
  ): Promise<{ hash: string; object: ObjectRef; dataset: string; revision: number } | undefined> {
    const [row] = await this.#pool.query<{
      hash: string;
      object_key: string;
      object_sha256: string;
      object_bytes: number;
      dataset_id: string;
      revision: number;
    }>(
      `select hash, object_key, object_sha256, object_bytes, dataset_id, revision from aura.holdouts
        where model = $1 order by revision desc limit 1`,
      [model],
    );
    if (row === undefined) return undefined;
    return {
      hash: row.hash,
      object: { key: row.object_key, sha256: row.object_sha256, bytes: row.object_bytes },
      dataset: row.dataset_id,
      revision: row.revision,
    };
  }
}

/** Makes the model's row where it is missing and locks it: numbering within one model is one after the other. */
async function lockModel(sql: Sql, model: string): Promise<void> {
  await sql.query("insert into aura.models (model) values ($1) on conflict do nothing", [model]);
  await sql.query("select model from aura.models where model = $1 for update", [model]);
}

async function insertVersion(sql: Sql, v: NewVersion, audit: AuditEntry): Promise<number> {
  const [next] = await sql.query<{ version: number }>(
    "update aura.models set next_version = next_version + 1 where model = $1 returning next_version - 1 as version",
    [v.model],
  );
  const version = next?.version ?? 1;
  await sql.query(
    `insert into aura.model_versions (model, version, digest, manifest, evaluation, dataset_id, run_id, code)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      v.model,
      version,
      v.digest,
      json(v.manifest),
      json(v.evaluation),
      v.dataset,
      v.runId,
      v.code === undefined ? null : json(v.code),
    ],
  );
  if (v.holdout !== undefined) await keepHoldout(sql, { ...v, version, holdout: v.holdout });
  await appendAudit(sql, audit);
  return version;
}

async function one(sql: Sql, model: string, version: number): Promise<VersionRow> {
  const [row] = await selectVersions(sql, "where v.model = $1 and v.version = $2", [model, version]);
  if (row === undefined) throw unknownVersion(model, version);
  return row;
}

function unknownVersion(model: string, version: number): PlatformError {
  return new PlatformError("not_found", `model [${model}]: no version ${version}`);
}
