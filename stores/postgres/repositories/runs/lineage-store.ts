import type { ConnectionPool, SqlValue } from "../../connection/connection-pool.ts";
import type { Lineage, LineageStore, PredictionIndexRow, PredictionStore } from "../../port.ts";

interface VersionKey {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
}

/** Walks prediction → version → run and approval → dataset → original, and back from an original. */
export class PostgresLineageStore implements LineageStore {
  readonly #pool: ConnectionPool;
  readonly #predictions: PredictionStore;

  constructor(pool: ConnectionPool, predictions: PredictionStore) {
    this.#pool = pool;
    this.#predictions = predictions;
  }

  async ofPrediction(id: string): Promise<Lineage | undefined> {
    const found = await this.#predictions.get(id);
    if (found === undefined) return undefined;
    const { object: _object, ...prediction } = found;
    const versions = await this.#versions("where v.model = $1 and v.digest = $2", [
      prediction.model,
      prediction.digest,
    ]);
    return this.#upstream(versions, undefined, prediction);
  }

  async ofModel(model: string, version: number): Promise<Lineage | undefined> {
    const versions = await this.#versions("where v.model = $1 and v.version = $2", [model, version]);
    return versions.length === 0 ? undefined : this.#upstream(versions);
  }

  async ofDataset(id: string): Promise<Lineage | undefined> {
    const known = await this.#pool.query("select dataset_id from aura.datasets where dataset_id = $1", [id]);
    return known.length === 0 ? undefined : this.#touchedBy([id]);
  }

  async ofFile(sha256: string): Promise<Lineage | undefined> {
    const rows = await this.#pool.query<{ dataset_id: string }>(
      "select distinct dataset_id from aura.dataset_files where sha256 = $1 order by dataset_id",
      [sha256],
    );
    return rows.length === 0 ? undefined : this.#touchedBy(rows.map((r) => r.dataset_id));
  }

  /** Everything that came of datasets: the versions trained on them or by runs over them. */
  async #touchedBy(datasets: readonly string[]): Promise<Lineage> {
    const versions = await this.#versions(
      `where v.dataset_id = any ($1::text[])
          or exists (select from aura.run_versions rv join aura.runs r using (run_id)
                      where rv.model = v.model and rv.version = v.version and r.dataset_id = any ($1::text[]))`,
      [datasets],
    );
    return this.#upstream(versions, datasets);
  }

  #versions(condition: string, values: readonly SqlValue[]): Promise<VersionKey[]> {
    return this.#pool.query(
      `select v.model, v.version, v.digest from aura.model_versions v ${condition} order by v.model, v.version`,
      values,
    );
  }

  async #upstream(
    versions: readonly VersionKey[],
    given?: readonly string[],
    prediction?: PredictionIndexRow,
  ): Promise<Lineage> {
    const keys = [versions.map((v) => v.model), versions.map((v) => v.version)];
    const datasets = given ?? (await this.#datasetsOf(keys));
    return {
      ...(prediction === undefined ? {} : { prediction }),
      versions,
      runs: await this.#runsOf(keys, datasets),
      approvals: await this.#approvalsOf(keys),
      datasets,
      files: await this.#filesOf(datasets),
      predictions: await this.#countPredictions(keys),
    };
  }

  async #datasetsOf(keys: readonly SqlValue[]): Promise<string[]> {
    const rows = await this.#pool.query<{ dataset_id: string }>(
      `select distinct v.dataset_id from aura.model_versions v
         join unnest($1::text[], $2::int[]) as k (model, version) on k.model = v.model and k.version = v.version
        order by v.dataset_id`,
      keys,
    );
    return rows.map((r) => r.dataset_id);
  }

  /** Runs that registered one of the versions, and runs that used one of the datasets. */
  #runsOf(
    keys: readonly SqlValue[],
    datasets: readonly string[],
  ): Promise<{ runId: string; workflowId: string }[]> {
    return this.#pool.query(
      `select r.run_id as "runId", r.workflow_id as "workflowId" from aura.runs r
        where r.run_id in (select rv.run_id from aura.run_versions rv
                             join unnest($1::text[], $2::int[]) as k (model, version)
                               on k.model = rv.model and k.version = rv.version)
           or r.dataset_id = any ($3::text[])
        order by r.started_at, r.run_id`,
      [...keys, datasets],
    );
  }

  #approvalsOf(keys: readonly SqlValue[]): Promise<{ id: string; state: string; by: string[] }[]> {
    return this.#pool.query(
      `select a.approval_id as id, a.state,
              array(select d.decided_by from aura.approval_decisions d
                     where d.approval_id = a.approval_id order by d.position) as by
         from aura.approvals a
         join unnest($1::text[], $2::int[]) as k (model, version) on k.model = a.model and k.version = a.version
        order by a.created_at, a.approval_id`,
      keys,
    );
  }

  #filesOf(datasets: readonly string[]): Promise<{ name: string; sha256: string; key: string }[]> {
    return this.#pool.query(
      `select distinct name, sha256::text as sha256, object_key as key from aura.dataset_files
        where dataset_id = any ($1::text[]) order by name, sha256`,
      [datasets],
    );
  }

  async #countPredictions(keys: readonly SqlValue[]): Promise<number> {
    const [row] = await this.#pool.query<{ n: number }>(
      `select count(*) as n from aura.prediction_index p
         join unnest($1::text[], $2::int[]) as k (model, version) on k.model = p.model and k.version = p.version`,
      keys,
    );
    return row?.n ?? 0;
  }
}
