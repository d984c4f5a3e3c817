import { PlatformError } from "../../../../schemas/platform-error.ts";
import type { ConnectionPool, SqlValue } from "../../connection/connection-pool.ts";
import type { LineageSubject } from "../../port/lineage.ts";

/** What an id leads to first: the versions and datasets in which all its lists meet. */
export interface LineageScope {
  readonly subject: LineageSubject;
  /**
   * Pairs: model and version at the same place. Arrays as PostgreSQL writes them: they go back into every list's
   * statement, and there may be tens of thousands.
   */
  readonly models: string;
  readonly versions: string;
  readonly datasets: readonly string[];
  /** Of a file: its content, or all contents that a name ever had. */
  readonly hashes: readonly string[];
  /** Of a drift report: time of the predictions it looked at, [from, to). */
  readonly window?: readonly [string, string];
}

interface Version {
  readonly model: string;
  readonly version: number;
  readonly dataset_id: string | null;
}

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * @returns undefined where there is no such thing
 * @throws {PlatformError} invalid_name: a model that is not `name@version`
 */
export async function scopeOf(
  pool: ConnectionPool,
  subject: LineageSubject,
): Promise<LineageScope | undefined> {
  const { id, sites } = subject;
  if (sites !== undefined && !(await isAtSites(pool, subject, sites))) return undefined;
  switch (subject.kind) {
    case "prediction":
      return restingOn(pool, subject, {
        from: "select model, version from aura.prediction_index where prediction_id = $1",
        values: [id],
      });
    case "model": {
      const [, model, version] = /^([^@]+)@(\d{1,9})$/.exec(id) ?? [];
      if (model === undefined || version === undefined)
        throw new PlatformError("invalid_name", `read lineage of a model: expected name@version, got ${id}`);
      return restingOn(pool, subject, {
        from: "select $1::text as model, $2::int as version",
        values: [model, Number(version)],
      });
    }
    case "score":
      return restingOn(pool, subject, {
        from: "select model, version, dataset_id as scored from aura.score_jobs where job_id = $1",
        values: [id],
      });
    case "drift":
      return restingOn(pool, subject, {
        from: "select model, version, window_start, window_end from aura.drift_reports where report_id = $1",
        values: [id],
      });
    case "dataset": {
      const known = await pool.query("select from aura.datasets where dataset_id = $1", [id]);
      return known.length === 0 ? undefined : cameOf(pool, subject, { datasets: [id], hashes: [] });
    }
    case "file":
      return ofFile(pool, subject);
  }
}

/** Whether a limited key may see the subject at all; datasets, files and drift reports are of all sites. */
async function isAtSites(
  pool: ConnectionPool,
  { kind, id }: LineageSubject,
  sites: readonly string[],
): Promise<boolean> {
  if (kind === "model") return true;
  if (kind !== "prediction" && kind !== "score") return false;
  const assets =
    kind === "prediction"
      ? "select asset_id::text from aura.prediction_index where prediction_id = $1"
      : "select asset_id::text from aura.scores where job_id = $1";
  const rows = await pool.query(
    `select from aura.assets where asset_id in (${assets}) and site_id = any ($2::text[]) limit 1`,
    [id, sites],
  );
  return rows.length > 0;
}

/** One version, and the datasets it rests on. */
async function restingOn(
  pool: ConnectionPool,
  subject: LineageSubject,
  { from, values }: { readonly from: string; readonly values: readonly SqlValue[] },
): Promise<LineageScope | undefined> {
  const [found] = await pool.query<
    Version & { readonly scored?: string; readonly window_start?: string; readonly window_end?: string }
  >(
    `select s.*, v.dataset_id from (${from}) s
       left join aura.model_versions v on v.model = s.model and v.version = s.version`,
    values,
  );
  if (found === undefined || (subject.kind === "model" && found.dataset_id === null)) return undefined;
  const { model, version, dataset_id: learnt, scored, window_start, window_end } = found;
  return {
    subject,
    // The name of a version that there is: nothing in it needs more than the quotes.
    models: `{"${model}"}`,
    versions: `{${version}}`,
    datasets: [...new Set([learnt, scored])].filter((id) => id != null),
    hashes: [],
    ...(window_start === undefined || window_end === undefined ? {} : { window: [window_start, window_end] }),
  };
}

async function ofFile(pool: ConnectionPool, subject: LineageSubject): Promise<LineageScope | undefined> {
  const { id } = subject;
  const column = SHA256.test(id) ? "sha256" : "name";
  const hashes = await pool.query<{ sha256: string }>(
    `select sha256::text from aura.dataset_files where ${column} = $1
      union select sha256::text from aura.run_files where ${column} = $1`,
    [id],
  );
  if (hashes.length === 0) return undefined;
  const datasets = await pool.query<{ dataset_id: string }>(
    `select distinct dataset_id::text from aura.dataset_files where sha256 = any ($1::text[]) order by dataset_id`,
    [hashes.map((row) => row.sha256)],
  );
  return cameOf(pool, subject, {
    datasets: datasets.map((row) => row.dataset_id),
    hashes: hashes.map((row) => row.sha256),
  });
}

/** Versions trained on the datasets, or registered by runs over them; by runs given the file where its datasets have expired. */
async function cameOf(
  pool: ConnectionPool,
  subject: LineageSubject,
  given: { readonly datasets: readonly string[]; readonly hashes: readonly string[] },
): Promise<LineageScope> {
  const [found] = await pool.query<{ readonly models: string; readonly versions: string }>(
    `select coalesce(array_agg(model::text), '{}')::text as models,
            coalesce(array_agg(version), '{}')::text as versions
       from (select model, version from aura.model_versions where dataset_id = any ($1::text[])
             union
             select rv.model, rv.version from aura.runs r join aura.run_versions rv using (run_id)
              where r.dataset_id = any ($1::text[])
             union
             select rv.model, rv.version from aura.run_files f join aura.run_versions rv using (run_id)
              where f.sha256 = any ($2::text[])) k`,
    [given.datasets, given.hashes],
  );
  const { models = "{}", versions = "{}" } = found ?? {};
  return { subject, models, versions, ...given };
}
