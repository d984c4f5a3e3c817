import { createHash } from "node:crypto";
import type { KeyRow, KeyStore } from "../../stores/postgres/port/keys.ts";

/** How long a verified key is believed. */
const FRESH_MS = 5_000;
const MAX_REMEMBERED = 10_000;

/** API keys as MQTT clients send them. Keys once on stay on. */
export class KeyCheck {
  readonly #keys: KeyStore;
  readonly #remembered = new Map<string, { readonly key: KeyRow | undefined; readonly at: number }>();
  #areOn = false;
  #askedAt = -Infinity;

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /** @throws {PlatformError} database_unavailable: nobody is let in on a guess */
  async areOn(): Promise<boolean> {
    if (!this.#areOn && Date.now() - this.#askedAt >= FRESH_MS) {
      this.#areOn = await this.#keys.isEnabled();
      this.#askedAt = Date.now();
    }
    return this.#areOn;
  }

  /**
   * @returns the key; undefined: there is no such key, or it was revoked or has expired
   * @throws {PlatformError} database_unavailable
   */
  async verify(secret: string): Promise<KeyRow | undefined> {
    // Not the secret itself, of which a stranger may send long ones.
    const digest = createHash("sha256").update(secret).digest("base64");
    const known = this.#remembered.get(digest);
    if (known !== undefined && Date.now() - known.at < FRESH_MS) return known.key;
    const key = await this.#keys.verify(secret);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(digest, { key, at: Date.now() });
    return key;
  }
}
