import type { TrialView } from "../../../../schemas/runs/trial.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { TrialStore } from "../../port.ts";

type TrialRow = Omit<TrialView, "message"> & { readonly message: string | null };

/** Trials, one row each; the key is candidate and number. */
export class PostgresTrialStore implements TrialStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  async record(runId: string, trial: TrialView): Promise<void> {
    await this.#pool.query(
      `insert into aura.trials (run_id, trial_key, candidate, number, state, parameters, metrics, objectives, loss,
                                folds, seconds, seed, message)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing`,
      [
        runId,
        `${trial.candidate}/${trial.number}`,
        trial.candidate,
        trial.number,
        trial.state,
        json(trial.parameters),
        json(trial.metrics),
        json(trial.objectives),
        trial.loss,
        json(trial.folds),
        trial.seconds,
        trial.seed,
        trial.message === undefined ? null : storableText(trial.message),
      ],
    );
  }

  async list(runId: string, candidate?: string): Promise<TrialView[]> {
    const rows = await this.#pool.query<TrialRow>(
      `select candidate, number, state, parameters, metrics, objectives, loss, folds, seconds, seed, message
         from aura.trials where run_id = $1 and ($2::text is null or candidate = $2)
        order by candidate, number`,
      [runId, candidate ?? null],
    );
    return rows.map(({ message, ...trial }) => ({ ...trial, ...(message === null ? {} : { message }) }));
  }

  async wallSeconds(runId: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#pool.query<{ candidate: string; seconds: number }>(
      `select candidate, extract(epoch from max(created_at) - min(created_at - make_interval(secs => seconds)))::float8
                as seconds
         from aura.trials where run_id = $1 group by candidate`,
      [runId],
    );
    return new Map(rows.map(({ candidate, seconds }) => [candidate, seconds]));
  }
}
