import type { Transaction } from "../../connection/connection-pool.ts";
import type {
  Replayed,
  ReplayedReading,
  ReplayRequest,
  ResumePoint,
  Snapshot,
  TakeReplayed,
} from "../../port/online.ts";

const PAGE_ROWS = 5_000;
const FIRST_TS = -(2 ** 53);

interface Newest {
  readonly series: number;
  readonly epoch: number;
  readonly ts: number;
  readonly committedAt: string | null;
}

/** The readings of an asset's present life, or the end of it, page by page in one snapshot. */
export async function replayReadings(
  tx: Transaction,
  request: ReplayRequest,
  take: TakeReplayed,
): Promise<Replayed> {
  await tx.query("set transaction isolation level repeatable read read only");
  const snapshot = await snapshotOf(tx);
  const until = request.until ?? Number.MAX_SAFE_INTEGER;
  const [newest] = await tx.query<Newest>(
    `select r.series_key as series, r.epoch, r.ts, b.committed_at as "committedAt"
       from aura.readings r left join aura.reading_batches b using (batch_id)
      where r.series_key = (select s.series_key from aura.reading_series s join aura.assets a using (asset_key)
                             where s.source_key = $1 and a.asset_id = $2)
        and r.ts <= $3
      order by r.epoch desc, r.ts desc, r.seq desc limit 1`,
    [request.sourceKey, request.asset, until],
  );
  if (newest === undefined) {
    take([], "plain");
    return { snapshot, isWhole: true, committedAt: NaN };
  }
  const resume = await resumable(tx, newest, request);
  take([], resume === undefined ? "plain" : "resumed");
  const start =
    resume !== undefined
      ? await startOf(tx, { ...newest, ts: resume.ts }, { ...request, until: resume.ts })
      : request.isWhole
        ? FIRST_TS
        : await startOf(tx, newest, request);
  let after = { ts: start, seq: -1 };
  for (;;) {
    const page = await tx.query<ReplayedReading>(
      `select epoch, ts, seq, row_values as "values" from aura.readings
        where series_key = $1 and epoch = $2 and (ts, seq) > ($3, $4) and ts <= $5
        order by ts, seq limit ${PAGE_ROWS}`,
      [newest.series, newest.epoch, after.ts, after.seq, until],
    );
    take(page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) break;
    after = last;
  }
  return {
    snapshot,
    // What goes on knows of all of it.
    isWhole: start === FIRST_TS || resume !== undefined,
    committedAt: newest.committedAt === null ? NaN : Date.parse(newest.committedAt),
  };
}

/** The point to go on from, if what leads up to it is what led up to it. Counting reads an index, and no reading. */
async function resumable(
  tx: Transaction,
  newest: Newest,
  { resume, until }: ReplayRequest,
): Promise<ResumePoint | undefined> {
  if (resume === undefined || resume.epoch !== newest.epoch || resume.ts > (until ?? Infinity))
    return undefined;
  const [found] = await tx.query<{ n: number; began: number | null; isThere: boolean }>(
    `select count(*)::int as n, min(ts) as began, coalesce(bool_or((ts, seq) = ($3, $4)), false) as "isThere"
       from aura.readings where series_key = $1 and epoch = $2 and ts <= $3 and (ts, seq) <= ($3, $4)`,
    [newest.series, newest.epoch, resume.ts, resume.seq],
  );
  const isSame = found?.isThere === true && found.n === resume.nRead && found.began === resume.beganAt;
  return isSame ? resume : undefined;
}

/** The first time of what is asked for: the earlier of so many readings and so much time ago. */
async function startOf(tx: Transaction, newest: Newest, request: ReplayRequest): Promise<number> {
  const until = request.until ?? Number.MAX_SAFE_INTEGER;
  const [nth] = await tx.query<{ ts: number }>(
    `select ts from aura.readings where series_key = $1 and epoch = $2 and ts <= $3
      order by ts desc, seq desc offset $4 limit 1`,
    [newest.series, newest.epoch, until, request.readings],
  );
  if (nth === undefined) return FIRST_TS;
  return Math.min(nth.ts, newest.ts - request.micros);
}

async function snapshotOf(tx: Transaction): Promise<Snapshot> {
  const [row] = await tx.query<{ text: string }>("select pg_current_snapshot()::text as text");
  const [xmin = "0", xmax = "0", running = ""] = (row?.text ?? "").split(":");
  const ids = running === "" ? [] : running.split(",").map(BigInt);
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), running: new Set(ids) };
}
