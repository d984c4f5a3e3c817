import type { LineageList } from "../../../../schemas/data/lineage.ts";
import type { SqlValue } from "../../connection/connection-pool.ts";
import type { LineageScope } from "./lineage-scope.ts";

/** Values of one statement; `add` gives the placeholder. */
export class Parameters {
  readonly values: SqlValue[] = [];

  add(value: SqlValue): string {
    return `$${this.values.push(value)}`;
  }
}

/** Where a page goes on: time and key of the last line before it. */
export interface LineageCursor {
  readonly at: string;
  readonly key: string;
}

/** What a list may use of the page that is wanted, to read no more than that. */
export interface PageBounds {
  readonly cursor?: LineageCursor;
  readonly limit: number;
}

type ListSql = (scope: LineageScope, parameters: Parameters, bounds?: PageBounds) => string;

/** Columns of every list besides `key`, which is unique in it, and their SQL types. */
const COLUMNS = {
  id: "text",
  at: "timestamptz",
  name: "text",
  model: "text",
  version: "integer",
  digest: "text",
  dataset: "text",
  asset: "text",
  value: "double precision",
  state: "text",
  detail: "text",
} as const;

/** Select list of a list's columns; `key` is the id unless it says otherwise, what is left out is null. */
function columns(
  given: Readonly<Partial<Record<keyof typeof COLUMNS, string>>> & {
    readonly id: string;
    readonly at: string;
  },
  key = given.id,
): string {
  const all = Object.entries(COLUMNS).map(
    ([name, type]) => `(${given[name as keyof typeof COLUMNS] ?? "null"})::${type} as ${name}`,
  );
  return [`(${key})::text collate "C" as key`, ...all].join(", ");
}

/** The versions of a scope as a relation `k (model, version)`. */
function versionsOf({ models, versions }: LineageScope, parameters: Parameters): string {
  return `unnest(${parameters.add(models)}::text[], ${parameters.add(versions)}::int[]) as k (model, version)`;
}

const isOfVersion = (alias: string) => `k.model = ${alias}.model and k.version = ${alias}.version`;

/** The asset of a row is at one of the sites. */
function isAt(alias: string, sites: readonly string[], parameters: Parameters): string {
  return `${alias}.asset_id::text in (select a.asset_id::text from aura.assets a where a.site_id = any (${parameters.add(sites)}::text[]))`;
}

/** Nothing, in the right columns. */
const NONE = `select ${columns({ id: "''", at: "now()" })} where false`;

/** SQL of each list: a query with `key` and the columns above. */
export const LINEAGE_SQL: Readonly<Record<LineageList, ListSql>> = {
  files({ subject, datasets, hashes }, parameters) {
    // Their names may tell of other sites, and their rows do.
    if (subject.sites !== undefined) return NONE;
    const given = { id: "f.sha256", at: "max(f.at)", name: "f.name", detail: "f.object_key" };
    const select = `select ${columns(given, "f.sha256 || ' ' || f.name")}`;
    const ofDatasets =
      "select d.created_at as at, f.name, f.sha256, f.object_key from aura.dataset_files f join aura.datasets d using (dataset_id)";
    const from =
      subject.kind === "file"
        ? // Its other names too, and those under which runs that failed were given it.
          `${ofDatasets} where f.sha256 = any (${parameters.add(hashes)}::text[])
           union all select r.started_at, f.name, f.sha256, f.object_key
             from aura.run_files f join aura.runs r using (run_id)
            where f.sha256 = any (${parameters.add(hashes)}::text[])`
        : `${ofDatasets} where dataset_id = any (${parameters.add(datasets)}::text[])`;
    return `${select} from (${from}) f group by f.sha256, f.name, f.object_key`;
  },

  datasets({ datasets }, parameters) {
    const given = {
      id: "d.dataset_id",
      at: "d.created_at",
      name: "d.pipeline",
      dataset: "d.dataset_id",
      state:
        "case when exists (select from aura.runs r where r.dataset_id = d.dataset_id) then 'trained on' else 'scored' end",
    };
    return `select ${columns(given)} from aura.datasets d where d.dataset_id = any (${parameters.add(datasets)}::text[])`;
  },

  runs(scope, parameters) {
    const given = {
      id: "r.run_id",
      at: "r.started_at",
      name: "r.pipeline",
      model: "r.model",
      version: "r.version",
      digest: "r.digest",
      dataset: "r.dataset_id",
      state: "coalesce(r.outcome, r.status)",
      detail: "r.workflow_id",
    };
    const { kind } = scope.subject;
    const ways = [
      `select rv.run_id from aura.run_versions rv join ${versionsOf(scope, parameters)} on ${isOfVersion("rv")}`,
    ];
    if (kind === "dataset" || kind === "file")
      ways.push(
        `select run_id from aura.runs where dataset_id = any (${parameters.add(scope.datasets)}::text[])`,
      );
    if (kind === "file")
      ways.push(
        `select run_id from aura.run_files where sha256 = any (${parameters.add(scope.hashes)}::text[])`,
      );
    return `select ${columns(given)} from aura.runs r where r.run_id in (${ways.join(" union all ")})`;
  },

  versions(scope, parameters) {
    const given = {
      id: "v.model || '@' || v.version",
      at: "v.created_at",
      model: "v.model",
      version: "v.version",
      digest: "v.digest",
      dataset: "v.dataset_id",
      // A graph that was not trained here says so wherever it is met.
      state: `concat_ws(', ', (select s.stage from aura.version_stages s where s.model = v.model and s.version = v.version),
                        v.evaluation -> 'origin' ->> 'kind')`,
    };
    return `select ${columns(given)} from aura.model_versions v join ${versionsOf(scope, parameters)} on ${isOfVersion("v")}`;
  },

  approvals(scope, parameters) {
    const by =
      scope.subject.sites !== undefined
        ? "null"
        : "select string_agg(d.decided_by, ', ' order by d.position) from aura.approval_decisions d where d.approval_id = a.approval_id";
    const given = {
      id: "a.approval_id",
      at: "coalesce(a.decided_at, a.created_at)",
      model: "a.model",
      version: "a.version",
      digest: "a.digest",
      state: "a.state",
      detail: by,
    };
    return `select ${columns(given)} from aura.approvals a join ${versionsOf(scope, parameters)} on ${isOfVersion("a")} and a.kind <> 'maintenance'`;
  },

  predictions: predictionsSql,

  scores(scope, parameters) {
    const { kind, id, sites } = scope.subject;
    // Only where it is used: a value without a place in the statement is refused.
    const atSites = () =>
      sites === undefined
        ? ""
        : ` and exists (select from aura.scores o where o.job_id = s.job_id and ${isAt("o", sites, parameters)})`;
    if (kind === "prediction" || kind === "drift") return NONE;
    const job = { id: "s.job_id", at: "s.created_at", model: "s.model", version: "s.version" };
    const given = { ...job, digest: "s.digest", dataset: "s.dataset_id" };
    if (kind === "score")
      return `select ${columns(given)} from aura.score_jobs s where s.job_id = ${parameters.add(id)}`;
    const ofVersion = `exists (select from ${versionsOf(scope, parameters)} where ${isOfVersion("s")})`;
    if (kind === "model")
      return `select ${columns(given)} from aura.score_jobs s where ${ofVersion}${atSites()}`;
    const ofData = `s.dataset_id = any (${parameters.add(scope.datasets)}::text[])`;
    const through = `case when not ${ofData} then 'model' when ${ofVersion} then 'data and model' else 'data' end`;
    const touched = { ...given, state: through };
    return `select ${columns(touched)} from aura.score_jobs s where ${ofData} or ${ofVersion}`;
  },

  drift(scope, parameters) {
    const { kind, id, sites } = scope.subject;
    if (kind === "prediction" || kind === "score" || sites !== undefined) return NONE;
    const given = {
      id: "r.report_id",
      at: "r.window_end",
      model: "r.model",
      version: "r.version",
      digest: "r.digest",
      state: "r.state || case when r.confirmed then ', confirmed' else '' end",
    };
    const from = `select ${columns(given)} from aura.drift_reports r`;
    if (kind === "drift") return `${from} where r.report_id = ${parameters.add(id)}`;
    return `${from} join ${versionsOf(scope, parameters)} on ${isOfVersion("r")}`;
  },

  maintenance: maintenanceSql,
};

/** What was done about answers: recommendations, and the orders that came of them. */
function maintenanceSql(scope: LineageScope, parameters: Parameters): string {
  const { kind, id, sites } = scope.subject;
  if (kind === "drift") return NONE;
  const restsOn = () => {
    if (kind === "prediction") return `where r.prediction_ids @> array[${parameters.add(id)}]::text[]`;
    const ofVersions = `join ${versionsOf(scope, parameters)} on ${isOfVersion("r")}`;
    return kind === "score"
      ? `${ofVersions} where exists (select from json_array_elements(r.evidence) e where e ->> 'scoreId' = ${parameters.add(id)})`
      : `${ofVersions} where true`;
  };
  const rows = () =>
    `aura.recommendations r left join aura.work_orders w using (recommendation_id) ${restsOn()}
       ${sites === undefined ? "" : `and ${isAt("r", sites, parameters)}`}`;
  const common = { model: "r.model", version: "r.version", digest: "r.digest", asset: "r.asset_id" };
  const decidedBy =
    sites !== undefined
      ? "null"
      : "select string_agg(d.decided_by, ', ' order by d.position) from aura.approval_decisions d where d.approval_id = r.approval_id";
  const recommendation = columns({
    ...common,
    id: "recommendation_id",
    at: "r.opened_at",
    name: "'recommendation'",
    value: "(r.latest ->> 'value')::double precision",
    state: "r.state",
    detail: decidedBy,
  });
  const order = columns({
    ...common,
    id: "w.work_order_id",
    at: "w.created_at",
    name: "'work order'",
    state: "w.state",
    detail: "w.outcome ->> 'result'",
  });
  return `select ${recommendation} from ${rows()}
    union all select ${order} from ${rows()} and w.work_order_id is not null`;
}

/**
 * Predictions are the one list that grows without end: each version's newest are read through its index, no more than
 * the page needs, and then merged.
 */
function predictionsSql(scope: LineageScope, parameters: Parameters, bounds?: PageBounds): string {
  const { kind, id, sites } = scope.subject;
  if (kind === "score") return NONE;
  const given = {
    id: "p.prediction_id",
    at: "p.at",
    model: "p.model",
    version: "p.version",
    digest: "p.digest",
    asset: "p.asset_id",
    value: "p.value",
    detail: "p.request_id",
  };
  const select = `select ${columns(given)} from`;
  if (kind === "prediction")
    return `${select} aura.prediction_index p where p.prediction_id = ${parameters.add(id)}`;
  const conditions = ["p.model = k.model", "p.version = k.version", "p.role = 'answer'"];
  if (scope.window !== undefined) {
    const [from, to] = scope.window.map((at) => parameters.add(at));
    conditions.push(`p.at >= ${from}::timestamptz`, `p.at < ${to}::timestamptz`);
  }
  if (sites !== undefined) conditions.push(isAt("p", sites, parameters));
  if (bounds?.cursor !== undefined)
    conditions.push(`p.at <= ${parameters.add(bounds.cursor.at)}::timestamptz`);
  const where = `from aura.prediction_index p where ${conditions.join(" and ")}`;
  const versions = versionsOf(scope, parameters);
  if (bounds === undefined) return `${select} ${versions} cross join lateral (select * ${where}) p`;
  const after = afterCursor(bounds, parameters);
  const limit = parameters.add(bounds.limit);
  // The newest n rows are of the n versions whose newest is newest: of thousands, one row each is read to find these.
  const newest = `(select k.* from ${versions} cross join lateral (
      select p.at, p.prediction_id ${where} ${after} ${NEWEST_FIRST} limit 1) p ${NEWEST_FIRST} limit ${limit}) k`;
  return `${select} ${newest} cross join lateral (select * ${where} ${after} ${NEWEST_FIRST} limit ${limit}) p`;
}

const NEWEST_FIRST = `order by p.at desc, p.prediction_id collate "C" desc`;

/** What is at the cursor's own time and was shown before is left out again by the page. */
function afterCursor({ cursor }: PageBounds, parameters: Parameters): string {
  return cursor === undefined
    ? ""
    : `and (p.at, p.prediction_id collate "C") < (${parameters.add(cursor.at)}::timestamptz, ${parameters.add(cursor.key)})`;
}
