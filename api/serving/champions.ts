import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { InferencePool } from "../../inference/pool.ts";
import type { GoldenVectors } from "../../inference/served-model.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import type { Registry } from "../../stores/postgres/port.ts";
import type { Alarms } from "../alarms.ts";
import type { Metrics } from "../metrics.ts";
import type { ChampionFile } from "./champion-file.ts";
import { withThreshold } from "../../schemas/serving/served-threshold.ts";
import { fetchVersion } from "./served-version.ts";
import type { ServedVersion, VersionPointer } from "./served-version.ts";

export interface ChampionsOptions {
  readonly registry: () => Registry;
  /** Resolves once `registry` can be asked; until then there is nothing to follow. */
  readonly connected: Promise<void>;
  readonly objects: ObjectStore;
  readonly pool: InferencePool;
  readonly file: ChampionFile;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly alarms: Pick<Alarms, "raise" | "resolve">;
  /** Called with every version that comes to serve; must not throw. */
  readonly onServed?: (served: ServedVersion, golden: GoldenVectors) => void;
  /** Poll interval in ms, should a notification be lost. Default 5 minutes. */
  readonly pollMs?: number;
  /** How long after a change was told of it is looked at, in ms: others load it first. Default 0. */
  readonly followAfterMs?: number;
}

/** While the database does not answer it is asked this often. */
const RETRY_MS = 500;
const POLL_MS = 5 * 60_000;
const ALERT_KIND = "serving";

const subjectOf = ({ model, version }: Pick<VersionPointer, "model" | "version">): string =>
  `model/${model}@${version}`;
/** How long the list of registered models is believed when a request names one that is not served. */
const MODELS_FRESH_MS = 5_000;

/**
 * The versions that serve: one per model, the champion.
 *
 * A new champion is fetched, verified, loaded and warmed beside the old one; only then do requests go to it,
 * and the old one is let go once its requests are answered. Whatever goes wrong on the way leaves the old
 * version serving, and is logged and counted. Changes of one model are applied one after the other, the
 * latest wins.
 */
export class Champions {
  private readonly options: ChampionsOptions;
  private readonly served = new Map<string, ServedVersion>();
  private readonly pointers = new Map<string, VersionPointer>();
  /** Versions that could not be served when they were last tried. */
  private readonly refused = new Map<string, VersionPointer>();
  private changes: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: (() => Promise<void>) | undefined;
  private isClosed = false;
  /** Whether the registry has been read since the start, or a remembered champion serves. */
  private isKnown = false;
  private registered: { readonly models: Promise<ReadonlySet<string>>; readonly at: number } | undefined;

  constructor(options: ChampionsOptions) {
    this.options = options;
  }

  /** Loads what was served last; follows the registry as soon as it can be asked. Returns once the former is done. */
  async start(remembered: readonly VersionPointer[]): Promise<void> {
    await Promise.all(remembered.map((pointer) => this.switchTo(pointer)));
    if (this.served.size > 0) this.isKnown = true;
    void this.options.connected.then(() => this.poll());
  }

  /** Version that serves `model`; without a name the only one there is. */
  find(model: string | undefined): ServedVersion {
    if (model !== undefined) {
      const version = this.served.get(model);
      if (version !== undefined) return version;
      throw new PlatformError("no_champion", `predict [model ${model}]: no version is served`);
    }
    const [only] = this.served.values();
    if (only !== undefined && this.served.size === 1) return only;
    if (only === undefined) throw new PlatformError("no_champion", "predict: no model is served");
    throw new PlatformError(
      "invalid_body",
      "predict [model]: expected a name, as several models are served",
      {
        locations: [{ field: "model", expected: "the name of a model", found: "nothing" }],
      },
    );
  }

  /**
   * Whether a model that is not served is in no registry either. Asks the database, though at most every few
   * seconds: only requests that are refused wait for it.
   *
   * @returns false when it cannot be told
   */
  async isUnheardOf(model: string): Promise<boolean> {
    if (this.served.has(model)) return false;
    const now = performance.now();
    if (this.registered === undefined || now - this.registered.at > MODELS_FRESH_MS) {
      const models = this.readModels();
      this.registered = { models, at: now };
    }
    try {
      return !(await this.registered.models).has(model);
    } catch {
      this.registered = undefined;
      return false;
    }
  }

  private async readModels(): Promise<ReadonlySet<string>> {
    return new Set((await this.options.registry().models()).map((row) => row.model));
  }

  list(): readonly ServedVersion[] {
    return [...this.served.values()];
  }

  /** Serving can start: the registry was read, or the last known champions are up. */
  get isReady(): boolean {
    return this.isKnown;
  }

  /** Reads the champion of one model and switches to it. Never throws: failures are logged and counted. */
  refresh(model: string): Promise<void> {
    this.changes = this.changes.then(async () => {
      const { followAfterMs = 0 } = this.options;
      if (followAfterMs > 0) await sleep(followAfterMs);
      try {
        const row = await this.options.registry().champion(model);
        if (row !== undefined) await this.switchTo(row);
      } catch (error) {
        this.options.logger.warn({ model, err: error }, "champion could not be read");
      }
    });
    return this.changes;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.unsubscribe?.().catch(() => undefined);
    await this.changes;
  }

  private async poll(): Promise<void> {
    if (this.isClosed) return;
    let isRead = false;
    try {
      const registry = this.options.registry();
      this.unsubscribe ??= await registry.onAliasChange((model) => void this.refresh(model));
      const rows = await registry.champions();
      // Read now, applied in the queue: a notification that comes meanwhile is newer and runs after it.
      this.changes = this.changes.then(async () => {
        await Promise.all(rows.map((row) => this.switchTo(row)));
      });
      await this.changes;
      isRead = true;
      this.isKnown = true;
    } catch (error) {
      this.options.logger.warn(
        { err: error },
        "champions could not be read; serving goes on with those known",
      );
    }
    if (this.isClosed) return;
    const delay = isRead ? (this.options.pollMs ?? POLL_MS) : RETRY_MS;
    this.timer = setTimeout(() => void this.poll(), delay);
    this.timer.unref();
  }

  /** The model is served as it should be again. */
  private endRefusal(model: string): void {
    const refused = this.refused.get(model);
    if (refused === undefined) return;
    this.refused.delete(model);
    this.options.alarms.resolve(ALERT_KIND, subjectOf(refused));
  }

  private async switchTo(pointer: VersionPointer): Promise<void> {
    const { model, version, digest } = pointer;
    const old = this.served.get(model);
    if (old?.digest === digest) {
      await this.changeThreshold(pointer, old);
      this.endRefusal(model);
      return;
    }
    const { pool, objects, logger, metrics, alarms } = this.options;
    try {
      const fetched = await fetchVersion(pointer, objects);
      await pool.load(fetched.model);
      this.served.set(model, fetched.served);
      this.pointers.set(model, pointerOf(pointer));
      metrics.served(fetched.served, old);
      this.endRefusal(model);
      // Also of an earlier process: a fault that comes again is another one.
      alarms.resolve(ALERT_KIND, subjectOf(pointer));
      logger.info({ model, version, digest, previous: old?.version }, "champion serves");
      this.options.onServed?.(fetched.served, fetched.model.golden);
    } catch (error) {
      const code = isPlatformError(error) ? error.code : "internal";
      metrics.loadRefused(model, code);
      // What is only away comes back; anything else stays wrong until somebody acts.
      if (!isPlatformError(error) || !error.isRetryable) {
        this.refused.set(model, pointer);
        alarms.raise({
          key: `serving/${model}@${version}/${digest}/${code}`,
          kind: ALERT_KIND,
          severity: "critical",
          subject: subjectOf(pointer),
          message: `version ${version} of ${model} cannot be served [${code}]; ${old === undefined ? "nothing is" : `version ${old.version} goes on`}`,
          details: { digest, code },
        });
      }
      logger.error({ model, version, digest, serving: old?.version, code, err: error }, "champion refused");
      return;
    }
    // Not waited for: requests of the old version may run for a while, and nothing depends on it.
    if (old !== undefined) void pool.unload(old.digest);
    await this.remember();
  }

  /** The same graph decides by another number: nothing is loaded, and no request waits. */
  private async changeThreshold(pointer: VersionPointer, served: ServedVersion): Promise<void> {
    const { model, version, threshold } = pointer;
    if (threshold === undefined || served.signature.output.threshold === threshold) return;
    this.served.set(model, { ...served, signature: withThreshold(served.signature, threshold) });
    this.pointers.set(model, pointerOf(pointer));
    const previous = served.signature.output.threshold;
    this.options.logger.info({ model, version, threshold, previous }, "threshold changed");
    await this.remember();
  }

  private async remember(): Promise<void> {
    await this.options.file.rememberChampions([...this.pointers.values()]).catch((error: unknown) => {
      this.options.logger.warn({ err: error }, "champions could not be remembered locally");
    });
  }
}

/** What the local file keeps of a row of the registry. */
function pointerOf({ model, version, digest, manifest, threshold }: VersionPointer): VersionPointer {
  return { model, version, digest, manifest, ...(threshold === undefined ? {} : { threshold }) };
}
