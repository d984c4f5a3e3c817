import type { Transaction } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { CommittedReadings, ReadingSubmission } from "../../port/live.ts";

/**
 * Writes down what was set aside. One that is there already word for word, because its sender or its feed sent it again, is not
 * written twice.
 *
 * @returns by submission, how many are new
 */
export async function writeLetters(
  tx: Transaction,
  submissions: readonly ReadingSubmission[],
): Promise<number[]> {
  const letters = submissions.flatMap(({ sourceKey, adapter, letters: own }) =>
    own.map((letter) => ({ sourceKey, adapter, ...letter })),
  );
  if (letters.length === 0) return submissions.map(() => 0);
  const written = await tx.query<{ sourceKey: number; identity: string | null }>(
    `insert into aura.dead_letters (source_key, adapter, code, message, asset, body, identity)
     select * from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
     on conflict (source_key, identity) where identity is not null do nothing
     returning source_key as "sourceKey", identity`,
    [
      letters.map((l) => l.sourceKey),
      letters.map((l) => l.adapter),
      letters.map((l) => l.code),
      letters.map((l) => storableText(l.message)),
      letters.map((l) => (l.asset === null ? null : storableText(l.asset))),
      letters.map((l) => storableText(l.body)),
      letters.map((l) => l.identity),
    ],
  );
  const fresh = new Set(written.map(({ sourceKey, identity }) => `${sourceKey} ${identity}`));
  return submissions.map(
    ({ sourceKey, letters: own }) =>
      // Of two in one commit the first is the new one.
      own.filter(({ identity }) => identity === null || fresh.delete(`${sourceKey} ${identity}`)).length,
  );
}

/** Counts by minute; a constraint of the table holds what was received against what became of it. */
export async function countIntake(
  tx: Transaction,
  submissions: readonly ReadingSubmission[],
  committed: readonly CommittedReadings[],
): Promise<void> {
  await tx.query(
    `insert into aura.intake_counts as c (source_key, adapter, minute, n_received, n_stored, n_duplicate, n_conflict,
                                          n_quarantined, n_rejected)
     select s, a, date_trunc('minute', clock_timestamp()), sum(n), sum(st), sum(du), sum(co), sum(qu), sum(re)
       from unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[])
         as u (s, a, n, st, du, co, qu, re) group by s, a order by s, a
     on conflict (source_key, adapter, minute) do update set
       n_received = c.n_received + excluded.n_received, n_stored = c.n_stored + excluded.n_stored,
       n_duplicate = c.n_duplicate + excluded.n_duplicate, n_conflict = c.n_conflict + excluded.n_conflict,
       n_quarantined = c.n_quarantined + excluded.n_quarantined, n_rejected = c.n_rejected + excluded.n_rejected`,
    [
      submissions.map((s) => s.sourceKey),
      submissions.map((s) => s.adapter),
      submissions.map((s) => s.nReceived),
      committed.map((c) => c.stored),
      committed.map((c) => c.duplicate),
      committed.map((c) => c.conflict),
      committed.map((c) => c.quarantined),
      submissions.map((s) => s.nRejected),
    ],
  );
}
