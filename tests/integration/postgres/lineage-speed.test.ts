import { performance } from "node:perf_hooks";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { LineageKind } from "../../../schemas/data/lineage.ts";
import { lineageSchema } from "../../../schemas/data/lineage.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import { startApiFixture } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

/**
 * Lineage among 10,000 runs: 40 models of 250 versions each, 500 datasets of 20 runs, one file of every dataset's own and
 * one that all have, 100,000 predictions. The promise is 300 ms (issue 4), as `aura lineage` sees it: from the request
 * to the parsed answer.
 */

const N_RUNS = 10_000;
const PROMISED_MS = 300;
/** Other test files run beside it on the same cores: the best of some tries is what the statements cost. */
const TRIES = 8;
/** Work of a known size, and what it takes on the machine that the promise was measured on when nothing else runs. */
const YARDSTICK = "select count(md5(i::text)) from generate_series(1, 100000) i";
const YARDSTICK_MS = 40;

const hash = (text: string) => `encode(sha256((${text})::bytea), 'hex')`;

/** In the order in which rows refer to each other. */
const SEED = [
  `insert into aura.datasets (dataset_id, pipeline, owner, retention, n_rows, manifest, manifest_key, manifest_sha256, manifest_bytes, run_id, created_at)
   select ${hash("'dataset' || d")}, 'p' || d % 40, 'o', '5y', 100, '{}', 'k', ${hash("'dataset' || d")}, 1, 'run-' || d * 20, timestamptz '2026-01-01' + d * interval '1 hour'
     from generate_series(0, 499) d`,
  `insert into aura.dataset_files (dataset_id, name, source, part, object_key, sha256, bytes)
   select ${hash("'dataset' || d")}, f.name, 'readings', '', 'raw/' || f.name, ${hash("'raw ' || f.name")}, 1
     from generate_series(0, 499) d, lateral (values ('own-' || d || '.csv'), ('shared.csv')) f (name)`,
  `insert into aura.runs (run_id, workflow_id, pipeline, model, pipeline_text, spec_hash, files, status, outcome, dataset_id, version, requested_by, requester_authenticated, started_at, finished_at)
   select 'run-' || r, 'w-' || r, 'p' || r % 40, 'm' || r % 40, 'name: p', 'h', '[]', 'finished', 'promoted', ${hash("'dataset' || r / 20")}, r / 40 + 1, 'ann', true,
          timestamptz '2026-01-01' + r * interval '1 minute', timestamptz '2026-01-01' + (r + 1) * interval '1 minute'
     from generate_series(0, ${N_RUNS - 1}) r`,
  `insert into aura.run_files (run_id, name, object_key, sha256)
   select 'run-' || r, f.name, 'raw/' || f.name, ${hash("'raw ' || f.name")}
     from generate_series(0, ${N_RUNS - 1}) r, lateral (values ('own-' || r / 20 || '.csv'), ('shared.csv')) f (name)`,
  `insert into aura.models (model, next_version) select 'm' || m, 251 from generate_series(0, 39) m`,
  `insert into aura.model_versions (model, version, digest, manifest, evaluation, dataset_id, run_id)
   select 'm' || r % 40, r / 40 + 1, ${hash("'version' || r")}, '{}', '{}', ${hash("'dataset' || r / 20")}, 'run-' || r
     from generate_series(0, ${N_RUNS - 1}) r`,
  `insert into aura.run_versions (model, run_id, version)
   select 'm' || r % 40, 'run-' || r, r / 40 + 1 from generate_series(0, ${N_RUNS - 1}) r`,
  `insert into aura.approvals (approval_id, kind, subject, digest, model, version, workflow_id, requested_by, requester_authenticated, policy, evidence, state, deadline, decided_at)
   select 'ap-' || r, 'promotion', 's', ${hash("'version' || r")}, 'm' || r % 40, r / 40 + 1, 'w', 'ann', true, '{}', '{}', 'approved', now(), now()
     from generate_series(0, ${N_RUNS - 1}) r`,
  `insert into aura.prediction_index (prediction_id, model, version, digest, asset_id, at, actor, segment, segment_offset, value, request_id)
   select 'pr-' || p, 'm' || p % 40, (p / 40) % 250 + 1, ${hash("'version' || (p % 10000)")}, 'a' || p % 100, timestamptz '2026-02-01' + p * interval '1 second', 'x', 's', p, 0.5, 'q'
     from generate_series(0, 99999) p`,
  "analyze",
];

await describeWithServices(`lineage among ${N_RUNS} runs`, () => {
  let test: TestDatabase;
  let api: ApiFixture;
  let client: pg.Client;

  beforeAll(async () => {
    test = await createTestDatabase("lineage_speed");
    api = await startApiFixture({ database: await createDatabase(test.url) });
    client = new pg.Client({ connectionString: test.url });
    await client.connect();
    for (const statement of SEED) await client.query(statement);
  }, 60_000);
  afterAll(async () => {
    await client.end();
    await api.close();
    await test.drop();
  });

  const msOf = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const idOf = async (sql: string): Promise<string> =>
    String((await client.query<{ id: string }>(`select ${sql} as id`)).rows[0]?.id);

  it.each<[LineageKind, string, string, number]>([
    ["prediction", "a prediction", "'pr-77777'", 1],
    ["model", "a version", "'m7@123'", 1],
    ["dataset", "a dataset", hash("'dataset' || 77"), 20],
    ["file", "a file of one dataset", hash("'raw own-77.csv'"), 20],
    ["file", "a file by its name", "'own-77.csv'", 20],
    ["file", "a file that every run was given", hash("'raw shared.csv'"), N_RUNS],
  ])("GET /v1/lineage of %s: %s within the promise", async (kind, _what, sql, nRuns) => {
    const id = await idOf(sql);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TRIES && best >= PROMISED_MS; i++) {
      const yardstick = await msOf(() => client.query(YARDSTICK));
      const ms = await msOf(async () => {
        const reply = await api.request(`/v1/lineage/${kind}/${encodeURIComponent(id)}`);
        expect(reply.status).toBe(200);
        expect(lineageSchema.parse(await reply.json()).counts.runs).toBe(nRuns);
      });
      // A machine at work is slower at both.
      best = Math.min(best, ms / Math.max(1, yardstick / YARDSTICK_MS));
    }
    expect(best).toBeLessThan(PROMISED_MS);
  });

  it("reads no table of runs, files or predictions from end to end for one dataset", async () => {
    const id = await idOf(hash("'dataset' || 77"));
    const statements = [
      [
        "select rv.model, rv.version from aura.runs r join aura.run_versions rv using (run_id) where r.dataset_id = any ($1::text[])",
        [[id]],
      ],
      ["select run_id from aura.run_files where sha256 = any ($1::text[])", [[id]]],
      [
        "select * from aura.prediction_index p where p.model = 'm7' and p.version = 3 order by p.at desc limit 20",
        [],
      ],
      ["select a.approval_id from aura.approvals a where a.model = 'm7' and a.version = 3", []],
    ] as const;
    for (const [sql, values] of statements) {
      const { rows } = await client.query<{ "QUERY PLAN": string }>(`explain ${sql}`, [...values]);
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      expect(plan, sql).toMatch(/Index/);
      expect(plan, sql).not.toMatch(/Seq Scan/);
    }
  });
});
