/**
 * Evaluates alert rules as readings are committed.
 *
 *   readings ─► AlarmBook (states, places) ─► one transaction: states, alerts, events, position
 *
 * Whatever came of some readings is written together with how far they were looked at, and only while nobody else has moved
 * that position or changed a rule. So a process that is killed has either written all of it or nothing; the next one looks
 * at the same readings with the same states, and comes to the same. Between transitions a second of readings is held in memory, as
 * nothing has become of it.
 */
import { spanMs } from "../schemas/live/source.ts";
import type { AlertRuleStore } from "../stores/postgres/port/alert-rules.ts";
import type {
  AlertEvaluationStore,
  EvaluationLease,
  Farewell,
  RecentValues,
} from "../stores/postgres/port/alerting.ts";
import type { LiveSourceStore } from "../stores/postgres/port/live.ts";
import type { FollowedReading, FollowPosition, OnlineStore } from "../stores/postgres/port/online.ts";
import { N_SHARDS } from "../schemas/live/shard.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { AlarmBook } from "./alarm-book.ts";
import { takesAsset } from "./compiled-rule.ts";
import type { CompiledRule } from "./compiled-rule.ts";
import { grouped } from "./grouped.ts";
import { readScope } from "./rule-scope.ts";
import type { Scope } from "./rule-scope.ts";
import { deviationsOf } from "./z-score.ts";
import type { Deviation } from "./z-score.ts";
import { forgetPending, lookForSilence, takeReading, takeScan, takeScore } from "./rule-steps.ts";

export interface AlertEvaluatorOptions {
  readonly evaluatorId: string;
  readonly evaluation: AlertEvaluationStore;
  readonly rules: Pick<AlertRuleStore, "list">;
  readonly sources: Pick<LiveSourceStore, "get">;
  readonly online: Pick<OnlineStore, "follow" | "onReadings">;
  /** Newest values of a query, where there is a Prometheus. */
  readonly askPrometheus?: (query: string, sinceMs: number) => Promise<readonly RecentValues[]>;
  readonly onFailure: (what: string, error: unknown) => void;
  /** Default 1 s: how often it looks without being woken. */
  readonly lookEveryMs?: number;
}

/** The evaluation is another's after so long without a word. */
const TTL_MS = 3_000;
/** Silence during a pause of more than this does not count. */
const PAUSE_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
const HELD_BACK_MS = 15;
/** What nothing has become of is written this often. */
const WRITE_EVERY_MS = 1_000;
/** Sources, assets and their classes are read again this often. */
const SCOPE_EVERY_MS = 10_000;
/** Silence and what is pending are looked at this often while readings come. */
const TIME_EVERY_MS = 250;
const SCANNED_READINGS = 1_000;
/** Values in memory at once. */
const MOST_SCANNED = 200_000;
const ALL_SCORES = "0";
const NO_FAREWELLS: ReadonlyMap<string, Farewell> = new Map();
const ALL_SHARDS = Array.from({ length: N_SHARDS }, (_, shard) => shard);

/** What it holds while the evaluation is its own. */
interface Held {
  readonly book: AlarmBook;
  readonly revision: number;
  written: FollowPosition;
  position: FollowPosition;
  writtenAt: number;
}

export class AlertEvaluator {
  readonly #options: AlertEvaluatorOptions;
  readonly #takes = new Map<string, boolean>();
  #held: Held | undefined;
  #scope: Scope | undefined;
  #listeningSince = 0;
  /** Of the database's clock over this one's, in ms. */
  #clockOffset = 0;
  #claimedAt = -Infinity;
  /** Scores are asked for from this transaction on. */
  #scoresFrom = ALL_SCORES;
  #timeTakenAt = -Infinity;
  #scans = new Map<string, { readonly found: readonly Deviation[]; readonly at: number }>();
  readonly #scanning = new Map<string, Promise<void>>();
  #lastScans: ReadonlyMap<string, number> = new Map();
  readonly #loop = new WokenLoop(() => this.#look());
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(options: AlertEvaluatorOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#unsubscribe = await this.#options.online.onReadings(() => {
      // Without rules there is nothing to hurry for.
      if (this.#scope?.rules.length !== 0) this.wake();
    });
    this.wake();
  }

  /** Whether the evaluation is this process's own. */
  get isEvaluating(): boolean {
    return this.#held !== undefined;
  }

  wake(): void {
    this.#loop.wake();
  }

  async close(): Promise<void> {
    const closed = this.#loop.close();
    await this.#unsubscribe?.();
    await closed;
    await Promise.all(this.#scanning.values());
    await this.#options.evaluation
      .release(this.#options.evaluatorId)
      .catch((error: unknown) => this.#options.onFailure("release the evaluation", error));
  }

  /** @returns ms until it should look again */
  async #look(): Promise<number> {
    const { onFailure, lookEveryMs = LOOK_EVERY_MS } = this.#options;
    try {
      if (!(await this.#claim())) return lookEveryMs;
      const isHeldBack = await this.#follow();
      return isHeldBack ? HELD_BACK_MS : lookEveryMs;
    } catch (error) {
      this.#held = undefined;
      this.#claimedAt = -Infinity;
      onFailure("evaluate alert rules", error);
      return lookEveryMs;
    }
  }

  /** Keeps the evaluation, and begins from what is stored wherever that is not what it wrote itself. */
  async #claim(): Promise<boolean> {
    const isDue = performance.now() - this.#claimedAt >= TTL_MS / 3;
    if (this.#held !== undefined && !isDue) return true;
    const { evaluation, evaluatorId } = this.#options;
    const lease = await evaluation.claim(evaluatorId, { ttlMs: TTL_MS, pauseMs: PAUSE_MS });
    if (lease === undefined) {
      this.#held = undefined;
      return false;
    }
    this.#claimedAt = performance.now();
    this.#listeningSince = lease.listeningSince;
    this.#clockOffset = lease.now - Date.now();
    await this.#refreshScope(lease.revision);
    const held = this.#held;
    if (held === undefined || held.revision !== lease.revision || !isSame(held.written, lease.position))
      this.#held = await this.#begin(lease);
    return true;
  }

  async #begin({ position, revision }: EvaluationLease): Promise<Held> {
    const { evaluation } = this.#options;
    const book = new AlarmBook(await evaluation.load());
    this.#lastScans = await evaluation.scans();
    this.#scoresFrom = ALL_SCORES;
    return { book, revision, written: position, position, writtenAt: performance.now() };
  }

  /** @returns whether something is stored that cannot be read yet */
  async #follow(): Promise<boolean> {
    for (;;) {
      const { held, scope } = this.#present();
      const found = await this.#options.online.follow(held.position, {
        sources: [...scope.sources.keys()],
        shards: ALL_SHARDS,
      });
      for (const reading of found.readings) this.#take(held.book, scope, reading);
      held.position = found.upTo;
      await this.#takeScores(held.book, scope);
      if (!found.hasMore && this.#isTimeDue()) await this.#takeTime(held.book, scope, found.isHeldBack);
      if (!(await this.#write(held))) return false;
      if (!found.hasMore || this.#loop.isClosed) return found.isHeldBack;
    }
  }

  #present(): { readonly held: Held; readonly scope: Scope } {
    if (this.#held === undefined || this.#scope === undefined) throw new Error("evaluate: nothing is held");
    return { held: this.#held, scope: this.#scope };
  }

  #take(book: AlarmBook, scope: Scope, reading: FollowedReading): void {
    const source = scope.sources.get(reading.sourceKey);
    if (source === undefined) return;
    const { asset, epoch, ts, seq, committedAt } = reading;
    const stream = `source/${source.name}`;
    const assetClass = scope.classes.get(`${source.name}\n${asset}`);
    if (assetClass === undefined) scope.readAt = -Infinity;
    if (!book.move({ stream, asset, epoch, ts, seq, version: 0, heardAt: committedAt })) return;
    for (const rule of source.rules)
      if (this.#takesAsset(rule, asset, assetClass ?? null)) takeReading(book, rule, reading);
  }

  #takesAsset(rule: CompiledRule, asset: string, assetClass: string | null): boolean {
    const key = `${rule.rule.name}\n${asset}\n${assetClass ?? ""}`;
    const known = this.#takes.get(key) ?? takesAsset(rule.rule, asset, assetClass);
    this.#takes.set(key, known);
    return known;
  }

  async #takeScores(book: AlarmBook, scope: Scope): Promise<void> {
    const rules = scope.rules.filter(
      ({ rule: { when } }) => when.kind === "threshold" && when.prediction !== undefined,
    );
    if (rules.length === 0) return;
    const modelOf = ({ rule: { when } }: CompiledRule) =>
      when.kind === "threshold" ? when.prediction?.model : undefined;
    const models = [...new Set(rules.flatMap((rule) => modelOf(rule) ?? []))];
    const { scores, from } = await this.#options.evaluation.recentScores(models, this.#scoresFrom);
    this.#scoresFrom = from;
    for (const score of scores) {
      const { model, asset, epoch, ts, seq, version, receivedAt } = score;
      const place = { asset, epoch, ts, seq, version, heardAt: receivedAt };
      if (!book.move({ stream: `model/${model}`, ...place })) continue;
      for (const rule of rules)
        if (modelOf(rule) === model && takesAsset(rule.rule, asset, score.assetClass))
          takeScore(book, rule, score);
    }
  }

  /** Looking through all assets at each commit would bring nothing that the next look does not. */
  #isTimeDue(): boolean {
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    const now = performance.now();
    if (now - this.#timeTakenAt < Math.min(lookEveryMs, TIME_EVERY_MS)) return false;
    this.#timeTakenAt = now;
    return true;
  }

  /** What time brings about, once everything that is stored was looked at. */
  async #takeTime(book: AlarmBook, scope: Scope, isHeldBack: boolean): Promise<void> {
    const farewells = await this.#farewells(scope);
    const now = Date.now() + this.#clockOffset;
    for (const rule of scope.rules) {
      const { name, source = "", when } = rule.rule;
      if (!isHeldBack) {
        forgetPending(book, rule, now);
        const known = (scope.assets.get(source) ?? []).filter(({ asset, assetClass }) =>
          this.#takesAsset(rule, asset, assetClass),
        );
        lookForSilence(book, rule, {
          assets: known,
          now,
          listeningSince: this.#listeningSince,
          farewells: farewells.get(source) ?? NO_FAREWELLS,
        });
      }
      const scan = this.#scans.get(name);
      if (scan !== undefined) takeScan(book, rule, scan);
      else if (when.kind === "zscore" && now - (this.#lastScans.get(name) ?? 0) >= spanMs(when.every))
        this.#scan(rule, now);
    }
    this.#scans.clear();
  }

  /** By source and asset. Asked after the readings: what was heard after a farewell has taken it away. */
  async #farewells(scope: Scope): Promise<ReadonlyMap<string, ReadonlyMap<string, Farewell>>> {
    const sources = scope.rules.flatMap(({ rule, silence }) =>
      silence?.hearsWills === true && rule.source !== undefined ? [rule.source] : [],
    );
    if (sources.length === 0) return new Map();
    const found = await this.#options.evaluation.farewells(sources);
    const bySource = grouped(found, ({ source }) => source);
    return new Map(
      [...bySource].map(([source, some]) => [source, new Map(some.map((one) => [one.asset, one]))]),
    );
  }

  /** Beside the readings: looking back over hours must not hold up what comes in. */
  #scan(rule: CompiledRule, at: number): void {
    const { name } = rule.rule;
    if (this.#scanning.has(name)) return;
    const scanning = this.#deviationsOf(rule, at)
      .then(
        (found) => {
          this.#scans.set(name, { found, at });
          this.#lastScans = new Map([...this.#lastScans, [name, at]]);
          this.wake();
        },
        (error: unknown) => this.#options.onFailure(`look back for rule ${name}`, error),
      )
      .finally(() => this.#scanning.delete(name));
    this.#scanning.set(name, scanning);
  }

  async #deviationsOf({ rule, columns, isTimestamp }: CompiledRule, at: number): Promise<Deviation[]> {
    const { evaluation, askPrometheus } = this.#options;
    const { when } = rule;
    if (when.kind !== "zscore") return [];
    const { minSamples } = when;
    const sinceMs = at - spanMs(when.window);
    if (when.platform !== undefined)
      return deviationsOf(await evaluation.recentSamples(when.platform, sinceMs), minSamples);
    if (when.prometheus !== undefined)
      return deviationsOf((await askPrometheus?.(when.prometheus.query, sinceMs)) ?? [], minSamples);
    const source = rule.source ?? "";
    const assets = (this.#scope?.assets.get(source) ?? [])
      .filter(({ asset, assetClass }) => takesAsset(rule, asset, assetClass))
      .map(({ asset }) => asset);
    // Some assets at a time: all values of a fleet may not fit into memory.
    const nAtOnce = Math.max(1, Math.floor(MOST_SCANNED / (SCANNED_READINGS * columns.length)));
    const found: Deviation[] = [];
    for (let from = 0; from < assets.length && !this.#loop.isClosed; from += nAtOnce) {
      const values = await evaluation.recentValues({
        source,
        assets: assets.slice(from, from + nAtOnce),
        columns,
        limit: SCANNED_READINGS,
        ...(isTimestamp ? { sinceMs } : {}),
      });
      found.push(...deviationsOf(values, minSamples));
    }
    return found;
  }

  /** @returns false where what was computed is void */
  async #write(held: Held): Promise<boolean> {
    const isDue =
      performance.now() - held.writtenAt >= WRITE_EVERY_MS && !isSame(held.position, held.written);
    if (!held.book.hasEvents && !isDue) return true;
    const { evaluation, evaluatorId } = this.#options;
    const { position, revision } = held;
    const isWritten = await evaluation.commit({
      owner: evaluatorId,
      ttlMs: TTL_MS,
      from: { position: held.written, revision },
      position,
      ...held.book.take(),
    });
    if (!isWritten) {
      this.#held = undefined;
      this.wake();
      return false;
    }
    held.written = position;
    held.writtenAt = performance.now();
    return true;
  }

  async #refreshScope(revision: number): Promise<void> {
    const known = this.#scope;
    const isFresh = known?.revision === revision && performance.now() - known.readAt < SCOPE_EVERY_MS;
    if (isFresh) return;
    this.#scope = await readScope(this.#options, revision);
    this.#takes.clear();
  }
}

const isSame = (a: FollowPosition, b: FollowPosition): boolean => a.tx === b.tx && a.batch === b.batch;
