import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { InferencePool } from "../../../inference/pool.ts";
import { isPlatformError } from "../../../schemas/platform-error.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import type { Database, RolloutStore } from "../../../stores/postgres/port.ts";
import type { ServingRollout } from "../../../stores/postgres/port/rollouts.ts";
import { fetchVersion } from "../served-version.ts";
import type { ServedVersion } from "../served-version.ts";
import type { Candidate } from "./candidate.ts";
import { RolloutMeter } from "./meter.ts";

export interface CandidatesOptions {
  readonly database: () => Pick<Database, "registry" | "rollouts">;
  /** Resolves once `database` can be asked. */
  readonly connected: Promise<void>;
  readonly objects: ObjectStore;
  /** Children for versions in shadow, or for those that answer. */
  readonly createPool: (mode: Candidate["mode"]) => InferencePool;
  readonly logger: Logger;
  /** Digest of the champion that this process serves. */
  readonly championOf: (model: string) => string | undefined;
  /** Called when a version came to serve beside a champion, or does no more. */
  readonly onChange?: () => void;
}

/** While a rollout goes on, a lost notification must not keep a version in service that was rolled back. */
const POLL_OPEN_MS = 1_000;
const POLL_IDLE_MS = 30_000;
const REPORT_MS = 500;
const MOST_OPEN = 1_000;
/** A guard looks twice a second. Nobody has for this long: no worker runs, or this process cannot hear of it. */
const UNWATCHED_MS = 120_000;

/**
 * The versions that serve beside champions: at most one of a model. Follows the recorded rollouts by notification and by
 * looking; whatever cannot be loaded leaves the champion alone in service, and is told of in the rollout's counts.
 *
 * A candidate has children of its own: a version that hangs or dies costs the champion nothing but the time of the
 * machine, of which one in shadow takes what others leave.
 */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #reporter = randomUUID();
  readonly #byModel = new Map<string, Candidate>();
  readonly #pools = new Map<Candidate["mode"], InferencePool>();
  readonly #reported = new WeakMap<RolloutMeter, number>();
  /** Versions that could not be loaded, by rollout and stage: they are told of, and not tried again. */
  readonly #refused = new Map<string, Pick<Candidate, "rolloutId" | "stage" | "meter">>();
  /** When a guard last looked at the rollouts that are open, by this process's clock. */
  #watchedAt: ReadonlyMap<string, number> = new Map();
  #changes: Promise<void> = Promise.resolve();
  #reporting: Promise<void> | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;
  #isClosed = false;
  /** Something of an open rollout could not be read: it is asked for again soon. */
  #isBehind = false;

  constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  start(): void {
    void this.#options.connected.then(() => this.#poll());
    this.#reportTimer = setInterval(() => this.#report(), REPORT_MS).unref();
  }

  of(model: string): Candidate | undefined {
    return this.#byModel.get(model);
  }

  list(): readonly Candidate[] {
    return [...this.#byModel.values()];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#pollTimer);
    clearInterval(this.#reportTimer);
    await this.#unsubscribe?.().catch(() => undefined);
    await this.#changes;
    this.#report();
    await this.#reporting;
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  async #poll(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const { registry } = this.#options.database();
      this.#unsubscribe ??= await registry.onAliasChange((model) => void this.#refresh(model));
      await this.#refresh(undefined);
    } catch (err) {
      this.#options.logger.debug({ err }, "rollouts could not be followed; it is tried again");
    }
    if (this.#isClosed) return;
    const isWatched = this.#byModel.size > 0 || this.#isBehind || this.#unsubscribe === undefined;
    const delay = isWatched ? POLL_OPEN_MS : POLL_IDLE_MS;
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.#poll(), delay).unref();
  }

  /** Reads the rollouts of one model, or of all, and follows them. Never throws. */
  #refresh(model: string | undefined): Promise<void> {
    this.#changes = this.#changes.then(async () => {
      this.#isBehind = false;
      try {
        const { rollouts } = this.#options.database();
        if (await this.#isUpToDate(rollouts, model)) return;
        const all = await rollouts.serving(model);
        const rows = all.filter((row) => !row.isPromoted || this.#isLeading(row));
        const open = new Set(rows.map((row) => row.version.model));
        if (model === undefined) this.#forgetRefused(new Set(all.map(({ rolloutId }) => rolloutId)));
        for (const known of model === undefined ? [...this.#byModel.keys()] : [model])
          if (!open.has(known)) this.#drop(known);
        for (const row of rows) if (!row.isPromoted) await this.#follow(row);
      } catch (err) {
        this.#isBehind = true;
        this.#options.logger.debug({ model, err }, "rollouts could not be read");
      }
    });
    return this.#changes;
  }

  /** Whether all that is open is served here as it stands, and nothing else: asked each second, it must read little. */
  async #isUpToDate(rollouts: Pick<RolloutStore, "list">, model: string | undefined): Promise<boolean> {
    const of = model === undefined ? {} : { model };
    const open = await rollouts.list({ ...of, isOpen: true, limit: MOST_OPEN });
    const heard = open.map(({ id, unwatchedMs }) => [id, performance.now() - unwatchedMs] as const);
    this.#watchedAt = new Map(model === undefined ? heard : [...this.#watchedAt, ...heard]);
    const known = this.list().filter(({ served }) => model === undefined || served.model === model);
    if (open.length === MOST_OPEN || open.length !== known.length) return false;
    return open.every((row) => {
      const serving = this.#byModel.get(row.model);
      return serving?.rolloutId === row.id && serving.stage === row.stage;
    });
  }

  #isWatched(rolloutId: string): boolean {
    const at = this.#watchedAt.get(rolloutId);
    // Promoted a moment ago: watched until then.
    return at === undefined || performance.now() - at < UNWATCHED_MS;
  }

  #forgetRefused(open: ReadonlySet<string>): void {
    for (const [key, { rolloutId }] of this.#refused) if (!open.has(rolloutId)) this.#refused.delete(key);
  }

  /** It serves here beside a champion that it replaces: without it its assets would go back for a moment. */
  #isLeading({ rolloutId, version: { model, digest } }: ServingRollout): boolean {
    const known = this.#byModel.get(model);
    return known?.rolloutId === rolloutId && this.#options.championOf(model) !== digest;
  }

  async #follow(row: ServingRollout): Promise<void> {
    const { rolloutId, stage, mode, share, version } = row;
    const { model, digest } = version;
    const known = this.#byModel.get(model);
    if (known?.rolloutId === rolloutId && known.stage === stage) return;
    if (this.#refused.has(`${rolloutId}/${stage}`)) return;
    const { logger, objects } = this.#options;
    try {
      const pool = this.#poolOf(mode);
      let served: ServedVersion | undefined = known?.served.digest === digest ? known.served : undefined;
      if (served === undefined || known?.mode !== mode) {
        const fetched = await fetchVersion(version, objects);
        await pool.load(fetched.model);
        served = fetched.served;
      }
      const isWatched = (): boolean => this.#isWatched(rolloutId);
      const next = { rolloutId, stage, mode, share, served, pool, meter: new RolloutMeter(), isWatched };
      this.#byModel.set(model, next);
      logger.info(
        { model, version: version.version, rolloutId, mode, share },
        "version serves beside the champion",
      );
      if (known !== undefined && (known.pool !== pool || known.served.digest !== digest))
        this.#release(known);
      this.#planPoll();
    } catch (err) {
      this.#refuse(row, err);
      this.#closeUnused();
    }
    this.#options.onChange?.();
  }

  /** What is only away is tried again; anything else is told of, and ends the rollout. */
  #refuse({ rolloutId, stage, version }: ServingRollout, err: unknown): void {
    const { logger } = this.#options;
    const { model } = version;
    logger.error(
      { model, version: version.version, rolloutId, err },
      "version cannot serve beside the champion",
    );
    if (isPlatformError(err) && err.isRetryable) {
      this.#isBehind = true;
      this.#planPoll();
      return;
    }
    const meter = new RolloutMeter();
    meter.refused(isPlatformError(err) ? err.code : "internal");
    this.#refused.set(`${rolloutId}/${stage}`, { rolloutId, stage, meter });
    this.#report();
  }

  #drop(model: string): void {
    const known = this.#byModel.get(model);
    if (known === undefined) return;
    // First: from now on no request goes there.
    this.#byModel.delete(model);
    this.#options.logger.info({ model, rolloutId: known.rolloutId }, "the champion serves alone");
    this.#release(known);
    this.#options.onChange?.();
  }

  /** Its last requests end, and so do children without a version. */
  #release({ served, pool }: Candidate): void {
    void pool.unload(served.digest).then(() => this.#closeUnused());
  }

  /** Runs between changes: while a version is being loaded its children are nobody's yet. */
  #closeUnused(): void {
    this.#changes = this.#changes.then(() => {
      const used = new Set([...this.#byModel.values()].map(({ pool }) => pool));
      for (const [mode, pool] of this.#pools) {
        if (used.has(pool)) continue;
        this.#pools.delete(mode);
        void pool.close();
      }
    });
  }

  #poolOf(mode: Candidate["mode"]): InferencePool {
    let pool = this.#pools.get(mode);
    if (pool === undefined) this.#pools.set(mode, (pool = this.#options.createPool(mode)));
    return pool;
  }

  /** Soon: until now it was looked at seldom. */
  #planPoll(): void {
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(() => void this.#poll(), POLL_OPEN_MS).unref();
  }

  #report(): void {
    this.#reporting ??= this.#reportAll().finally(() => (this.#reporting = undefined));
  }

  async #reportAll(): Promise<void> {
    for (const { rolloutId, stage, meter } of [...this.#byModel.values(), ...this.#refused.values()])
      if (this.#reported.get(meter) !== meter.nEvents) await this.#write(rolloutId, stage, meter);
  }

  /** Absolute numbers: one that is lost is made good by the next. */
  async #write(rolloutId: string, stage: number, meter: RolloutMeter): Promise<void> {
    const { nEvents, counts, sample } = meter;
    try {
      const { rollouts } = this.#options.database();
      await rollouts.putStats({ rolloutId, stage, reporter: this.#reporter, counts, sample });
      this.#reported.set(meter, nEvents);
    } catch (err) {
      this.#options.logger.debug({ err, rolloutId }, "counts of a rollout wait for the database");
    }
  }
}
