import { PlatformError } from "../../../../schemas/platform-error.ts";
import { labelContent, labelSubject } from "../../../../schemas/serving/observed-label.ts";
import type { NewLabel } from "../../../../schemas/serving/observed-label.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { Actor, AuditEntry } from "../../port/actor.ts";
import type {
  AssetLabel,
  FailureFilter,
  LabelFilter,
  LabelOutcome,
  LabelRow,
  LabelStore,
  PredictionLabel,
  ReportedFailure,
} from "../../port/labels.ts";
import type { PredictionWindow } from "../../port/predictions.ts";
import { refusalsOf } from "./label-scope.ts";
import { IS_IN_WINDOW, PREDICTIONS_IN_WINDOW, windowValues } from "./prediction-window.ts";

const VALUE =
  "case when l.value_text is null then to_json(l.value_number) else to_json(l.value_text) end as value";
const COLUMNS = `l.seq, l.label_id as id, l.kind, l.asset_id as asset, l.t, l.time_kind as "timeKind",
  l.prediction_id as "predictionId", l.label_column as column, ${VALUE}, l.mode, l.source, l.reference, l.supersedes,
  l.state, l.besides, l.actor, l.created_at as "createdAt"`;
/** Ids named in one audit row. */
const SHOWN_IDS = 20;
/** A label that stood in the way may be withdrawn while it is looked at. */
const ATTEMPTS = 3;

/** Labels in PostgreSQL; the unique index over subjects of labels that count holds what the port promises. */
export class PostgresLabelStore implements LabelStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  add(labels: readonly NewLabel[], audit: AuditEntry): Promise<LabelOutcome[]> {
    return this.#pool.transaction(async (tx) => {
      const outcomes = await refusalsOf(tx, labels, audit.actor.sites);
      await addPlain(tx, { labels, outcomes, actor: audit.actor.id });
      for (const [i, label] of labels.entries()) outcomes[i] ??= await correct(tx, label, audit.actor);
      const told = outcomes.flatMap((outcome) => outcome ?? []);
      const counts = countsOf(told);
      if (counts.added + counts.conflicting > 0) {
        const ids = told.filter(({ outcome }) => outcome === "added").map(({ id }) => id);
        const details = { ...audit.details, ...counts, ids: ids.slice(0, SHOWN_IDS) };
        await appendAudit(tx, { ...audit, details });
      }
      return told;
    });
  }

  withdraw(id: string, audit: AuditEntry): Promise<LabelRow> {
    return this.#pool.transaction(async (tx) => {
      const standing = await lockLabel(tx, id);
      const isHidden = standing === undefined ? true : await isOutside(tx, standing, audit.actor.sites);
      if (standing === undefined || isHidden)
        throw new PlatformError("not_found", `withdraw label [${id}]: there is no such label`);
      if (standing.state !== "valid" && standing.state !== "conflicting")
        throw new PlatformError("conflict", `withdraw label [${id}]: it is ${standing.state} already`);
      await tx.query("update aura.observed_labels set state = 'withdrawn' where label_id = $1", [id]);
      await appendAudit(tx, audit);
      return { ...standing, state: "withdrawn" };
    });
  }

  list(filter: LabelFilter & { readonly limit: number; readonly after?: number }): Promise<LabelRow[]> {
    const { id, asset, kind, state, source, sites, limit, after } = filter;
    return this.#pool.query(
      `select ${COLUMNS} from aura.observed_labels l
        where ($1::text is null or l.asset_id = $1) and ($2::text is null or l.kind = $2)
          and ($3::text is null or l.state = $3) and ($4::text is null or l.source = $4)
          and ($5::text[] is null or coalesce(l.asset_id::text,
                 (select p.asset_id from aura.prediction_index p where p.prediction_id = l.prediction_id))
               in (select a.asset_id::text from aura.assets a where a.site_id = any ($5)))
          and ($6::bigint is null or l.seq < $6) and ($8::text is null or l.label_id = $8)
        order by l.seq desc limit $7`,
      [asset, kind, state, source, sites, after, limit, id].map((value) => value ?? null),
    );
  }

  async unknownAssets(assets: readonly string[]): Promise<string[]> {
    const rows = await this.#pool.query<{ asset: string }>(
      `select u.asset from unnest($1::text[]) with ordinality u (asset, place)
        where not exists (select from aura.assets a where a.asset_id = u.asset)
          and not exists (select from aura.prediction_index p where p.asset_id = u.asset)
        order by u.place`,
      [assets],
    );
    return rows.map(({ asset }) => asset);
  }

  counts(since: string): Promise<{ kind: NewLabel["kind"]; n: number }[]> {
    return this.#pool.query(
      `select kind, count(*) as n from aura.observed_labels
        where state = 'valid' and created_at >= $1 group by kind order by kind`,
      [since],
    );
  }

  failuresOf({ assets, timeKind, until, limit, after }: FailureFilter): Promise<ReportedFailure[]> {
    return this.#pool.query(
      `select l.seq, l.asset_id as asset, l.t from aura.observed_labels l
        where l.state = 'valid' and l.kind = 'failure' and l.asset_id = any ($1::text[]) and l.time_kind = $2
          and ($3::float8 is null or l.t <= $3) and ($4::bigint is null or l.seq > $4)
        order by l.seq limit $5`,
      [assets, timeKind, until ?? null, after ?? null, limit],
    );
  }

  /** From asset to asset through the index, whatever the planner knows of tables that have just been filled. */
  ofAssets(window: PredictionWindow & { readonly timeKind: "timestamp" | "cycle" }): Promise<AssetLabel[]> {
    return this.#pool.query(
      `select l.* from (select distinct p.asset_id from ${PREDICTIONS_IN_WINDOW} and p.asset_id is not null) a
        cross join lateral (
          select l.kind, l.asset_id as asset, l.t, l.label_column as column, ${VALUE} from aura.observed_labels l
           where l.state = 'valid' and l.time_kind = $7 and l.asset_id = a.asset_id
           order by l.t, l.seq offset 0) l`,
      [...windowValues(window), window.timeKind],
    );
  }

  sightings(
    window: PredictionWindow & { readonly source: string; readonly lastSeen: string },
  ): Promise<AssetLabel[]> {
    return this.#pool.query(
      `select 'event_free' as kind, w.asset_id as asset, seen.ts::double precision as t, null as column, null as value
         from (select distinct p.asset_id from ${PREDICTIONS_IN_WINDOW} and p.asset_id is not null) w
        cross join lateral (
          select newest.ts from aura.assets a
            join aura.reading_series s using (asset_key) join aura.live_sources l using (source_key)
           cross join lateral (select r.ts from aura.readings r
              where r.series_key = s.series_key and r.ts <= (extract(epoch from $8::timestamptz) * 1000000)::bigint
              order by r.epoch desc, r.ts desc limit 1) newest
           where a.asset_id = w.asset_id and l.source = $7 offset 0) seen`,
      [...windowValues(window), window.source, window.lastSeen],
    );
  }

  /** From label to label: there are hardly ever more of them than predictions, and none is older than its own. */
  ofPredictions(window: PredictionWindow): Promise<PredictionLabel[]> {
    return this.#pool.query(
      `select l.prediction_id as "predictionId", l.kind, l.label_column as column, ${VALUE}
         from aura.observed_labels l
        cross join lateral (
          select * from aura.prediction_index p where p.prediction_id = l.prediction_id offset 0) p
        where l.state = 'valid' and l.prediction_id is not null and l.created_at >= $3 and ${IS_IN_WINDOW}
        order by l.seq`,
      windowValues(window),
    );
  }
}

interface Batch {
  readonly labels: readonly NewLabel[];
  /** Writes those that it settles. */
  readonly outcomes: (LabelOutcome | undefined)[];
  readonly actor: string;
}

/** All labels that correct no other, in one statement; what is there already is looked at after. */
async function addPlain(tx: Sql, { labels, outcomes, actor }: Batch): Promise<void> {
  let open = [...labels.entries()].filter(
    ([i, { supersedes }]) => outcomes[i] === undefined && supersedes === null,
  );
  for (let attempt = 0; attempt < ATTEMPTS && open.length > 0; attempt++) {
    const ofOpen = open.map(([, label]) => label);
    const added = await insertLabels(tx, ofOpen, { state: "valid", actor });
    const there = await labelsBeside(tx, ofOpen);
    const conflicting: NewLabel[] = [];
    open = open.filter(([i, label]) => {
      // Of two with one id in a request the first was added.
      const outcome = added.delete(label.id)
        ? ({ outcome: "added", id: label.id } as const)
        : (knownOutcome(label, there) ?? besideStanding(label, there));
      outcomes[i] = outcome;
      if (outcome?.outcome === "conflicting" && !there.byId.has(label.id)) conflicting.push(label);
      return outcome === undefined;
    });
    const besides = (label: NewLabel): string => there.bySubject.get(labelSubject(label))?.id ?? "";
    await insertLabels(tx, conflicting, { state: "conflicting", actor, besides });
  }
}

/** What is on record under the ids of labels, and what counts of their subjects. */
interface Beside {
  readonly byId: ReadonlyMap<string, Recorded>;
  readonly bySubject: ReadonlyMap<string, Recorded>;
}

interface Recorded {
  readonly id: string;
  readonly subject: string;
  readonly content: string;
  readonly supersedes: string | null;
  readonly besides: string | null;
  readonly state: string;
}

async function labelsBeside(tx: Sql, labels: readonly NewLabel[]): Promise<Beside> {
  const select =
    "select label_id as id, subject, content, supersedes, besides, state from aura.observed_labels";
  const own = await tx.query<Recorded>(`${select} where label_id = any ($1)`, [labels.map(({ id }) => id)]);
  const standing = await tx.query<Recorded>(`${select} where subject = any ($1) and state = 'valid'`, [
    labels.map(labelSubject),
  ]);
  return {
    byId: new Map(own.map((one) => [one.id, one])),
    bySubject: new Map(standing.map((one) => [one.subject, one])),
  };
}

/** What became of a label whose id was there before; undefined: it was not. */
function knownOutcome(label: NewLabel, { byId }: Beside): LabelOutcome | undefined {
  const { id } = label;
  const same = byId.get(id);
  if (same === undefined) return undefined;
  if (same.content !== labelContent(label) || same.supersedes !== label.supersedes)
    return refused(id, "conflict", "the id is that of a label with other content");
  return same.state === "conflicting"
    ? { outcome: "conflicting", id, standing: same.besides ?? id }
    : { outcome: "known", id };
}

/** What becomes of a label whose subject has another one; undefined: that is gone by now. */
function besideStanding(label: NewLabel, { bySubject }: Beside): LabelOutcome | undefined {
  const standing = bySubject.get(labelSubject(label));
  if (standing === undefined) return undefined;
  return standing.content === labelContent(label)
    ? { outcome: "known", id: standing.id }
    : { outcome: "conflicting", id: label.id, standing: standing.id };
}

/** A label that corrects another one: that counts no more from then on. */
async function correct(tx: Sql, label: NewLabel, { id: actor, sites }: Actor): Promise<LabelOutcome> {
  const { id, supersedes } = label;
  if (supersedes === null) return refused(id, "conflict", "it changed while it was added; send it again");
  const target = await lockLabel(tx, supersedes);
  if (target === undefined || (await isOutside(tx, target, sites)))
    return refused(id, "not_found", `there is no label ${supersedes} to correct`);
  const there = await labelsBeside(tx, [label]);
  const known = knownOutcome(label, there);
  if (known !== undefined) return known;
  if (target.state !== "valid" && target.state !== "conflicting")
    return refused(id, "conflict", `${supersedes} is ${target.state} already`);
  const standing = there.bySubject.get(labelSubject(label));
  if (standing !== undefined && standing.id !== supersedes)
    return refused(id, "conflict", `${standing.id} stands for the same; supersede that one`);
  await tx.query("update aura.observed_labels set state = 'superseded' where label_id = $1", [supersedes]);
  const added = await insertLabels(tx, [label], { state: "valid", actor });
  // Another one came in between: the transaction is taken back as a whole, and may be tried again.
  if (!added.has(id))
    throw new PlatformError("conflict", `add label [${id}]: another one came at the same time`);
  await tx.query("update aura.observed_labels set besides = $2 where label_id = $1", [supersedes, id]);
  return { outcome: "added", id };
}

async function lockLabel(tx: Sql, id: string): Promise<LabelRow | undefined> {
  const [row] = await tx.query<LabelRow>(
    `select ${COLUMNS} from aura.observed_labels l where l.label_id = $1 for update`,
    [id],
  );
  return row;
}

async function isOutside(tx: Sql, label: LabelRow, sites: readonly string[] | undefined): Promise<boolean> {
  const [refusal] = await refusalsOf(tx, [label], sites);
  return refusal !== undefined;
}

/** @returns ids of those that were inserted: of one id, and of what counts of one subject, there is one */
async function insertLabels(
  tx: Sql,
  labels: readonly NewLabel[],
  { state, actor, besides }: InsertedAs,
): Promise<Set<string>> {
  if (labels.length === 0) return new Set();
  const inserted = await tx.query<{ id: string }>(
    `insert into aura.observed_labels (label_id, kind, asset_id, t, time_kind, prediction_id, label_column, value_text,
                                       value_number, mode, source, reference, supersedes, subject, content, besides,
                                       state, actor)
     select u.*, $17, $18
       from unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::text[], $6::text[], $7::text[], $8::text[],
                   $9::float8[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
                   $16::text[]) u
     on conflict do nothing returning label_id as id`,
    [
      labels.map((l) => l.id),
      labels.map((l) => l.kind),
      labels.map((l) => l.asset),
      labels.map((l) => l.t),
      labels.map((l) => l.timeKind),
      labels.map((l) => l.predictionId),
      labels.map((l) => l.column),
      labels.map((l) => (typeof l.value === "string" ? storableText(l.value) : null)),
      labels.map((l) => (typeof l.value === "number" ? l.value : null)),
      labels.map((l) => (l.mode === null ? null : storableText(l.mode))),
      labels.map((l) => l.source),
      labels.map((l) => (l.reference === null ? null : storableText(l.reference))),
      labels.map((l) => l.supersedes),
      labels.map(labelSubject),
      labels.map(labelContent),
      labels.map((l) => besides?.(l) ?? null),
      state,
      storableText(actor),
    ],
  );
  return new Set(inserted.map(({ id }) => id));
}

interface InsertedAs {
  readonly state: "valid" | "conflicting";
  readonly actor: string;
  /** Of conflicting ones: what stands. */
  readonly besides?: (label: NewLabel) => string;
}

function refused(id: string, code: "conflict" | "not_found", reason: string): LabelOutcome {
  return { outcome: "refused", id, code, reason };
}

function countsOf(outcomes: readonly LabelOutcome[]): Record<LabelOutcome["outcome"], number> {
  const counts = { added: 0, known: 0, conflicting: 0, refused: 0 };
  for (const { outcome } of outcomes) counts[outcome]++;
  return counts;
}
