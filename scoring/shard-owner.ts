import { shardOf } from "../schemas/live/shard.ts";
import type { OnlineStore, ScorerAddress, ShardLease } from "../stores/postgres/port/online.ts";

export interface ShardOwnerOptions {
  readonly online: Pick<OnlineStore, "renew" | "leave">;
  readonly address: ScorerAddress;
  /** Shards that came and shards that went. */
  readonly onChange: (gained: readonly ShardLease[], hasLost: boolean) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
  /** How long a lease holds without being renewed. */
  readonly ttlMs?: number;
}

const TTL_MS = 3_000;
const RENEWALS_PER_TTL = 4;

/**
 * The shards of this scorer. It counts as an owner only while the lease holds by its own clock, measured from before it
 * asked: whoever takes a shard over comes later.
 */
export class ShardOwner {
  readonly #options: ShardOwnerOptions;
  readonly #ttlMs: number;
  #leases = new Map<number, ShardLease>();
  #holdsUntil = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: ShardOwnerOptions) {
    this.#options = options;
    this.#ttlMs = options.ttlMs ?? TTL_MS;
  }

  /** Takes its share for the first time and keeps it from then on. */
  async start(): Promise<void> {
    await this.#renew();
    this.#plan();
  }

  get shards(): readonly number[] {
    return this.#isHeld ? [...this.#leases.keys()] : [];
  }

  /** Fence of an asset's shard; undefined where it is somebody else's. */
  fenceOf(asset: string): { readonly shard: number; readonly fence: number } | undefined {
    return this.#isHeld ? this.#leases.get(shardOf(asset)) : undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    this.#leases.clear();
    await this.#options.online.leave(this.#options.address.scorerId);
  }

  get #isHeld(): boolean {
    return performance.now() < this.#holdsUntil;
  }

  #plan(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#renewing = this.#renew()
        .catch((error: unknown) => this.#options.onFailure(error))
        .then(() => this.#plan());
    }, this.#ttlMs / RENEWALS_PER_TTL);
  }

  async #renew(): Promise<void> {
    const began = performance.now();
    const leases = await this.#options.online.renew(this.#options.address, this.#ttlMs);
    const before = this.#leases;
    this.#leases = new Map(leases.map((lease) => [lease.shard, lease]));
    this.#holdsUntil = began + this.#ttlMs;
    const gained = leases.filter(({ shard, fence }) => before.get(shard)?.fence !== fence);
    const hasLost = [...before.keys()].some((shard) => !this.#leases.has(shard));
    if (gained.length > 0 || hasLost) await this.#options.onChange(gained, hasLost);
  }
}
