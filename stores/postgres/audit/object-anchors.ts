import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { ObjectStore } from "../../objects/port.ts";
import type { AuditAnchor } from "../port.ts";

const PREFIX = "logs/audit/anchors/";
const DEFAULT_EVERY_MS = 5 * 60_000;
const anchorSchema = z.strictObject({
  position: z.int().min(1),
  head: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * Heads of the audit chain in the object store, out of reach of whoever can change the database.
 *
 * One object per anchor, `logs/audit/anchors/<position, 16 digits>.json`, written once: a second head at the same
 * position is refused by the store as `conflict`, which is what a forked chain deserves. Anchors come with every
 * sealing; at most one per interval is kept, so a loss of younger rows shows only by the database's own anchors.
 */
export class ObjectAnchors {
  readonly #objects: ObjectStore;
  readonly #everyMs: number;
  #keptAt = Number.NEGATIVE_INFINITY;

  constructor(objects: ObjectStore, everyMs = DEFAULT_EVERY_MS) {
    this.#objects = objects;
    this.#everyMs = everyMs;
  }

  /** Give it as `onAuditAnchor` to `createDatabase`. */
  readonly keep = async (anchor: AuditAnchor): Promise<void> => {
    const now = performance.now();
    if (now - this.#keptAt < this.#everyMs) return;
    await this.#objects.put(keyOf(anchor.position), new TextEncoder().encode(JSON.stringify(anchor)));
    this.#keptAt = now;
  };

  /**
   * The newest anchor kept, to give to `AuditStore.verify`; undefined when none was kept yet.
   *
   * @throws {PlatformError} integrity when the newest anchor is not one
   */
  async newest(): Promise<AuditAnchor | undefined> {
    let newest: string | undefined;
    for await (const { key } of this.#objects.list(PREFIX)) {
      if (newest === undefined || key > newest) newest = key;
    }
    const ref = newest === undefined ? undefined : await this.#objects.head(newest);
    if (ref === undefined) return undefined;
    const text = new TextDecoder().decode(await this.#objects.get(ref));
    const anchor = anchorSchema.safeParse(parseOrUndefined(text));
    if (anchor.success && keyOf(anchor.data.position) === ref.key) return anchor.data;
    throw new PlatformError("integrity", `audit anchor [${ref.key}]: expected a position and a hash`);
  }
}

function keyOf(position: number): string {
  return `${PREFIX}${String(position).padStart(16, "0")}.json`;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
