import { PlatformError } from "../../schemas/platform-error.ts";
import type { Actor, KeyRow, KeyStore } from "../../stores/postgres/port.ts";
import { checkOrigin, isLoopbackHost } from "./origin-guard.ts";

/** Roles from least to most; each may do what those before it may. */
export const ROLES = ["viewer", "operator", "approver", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Who may call a route. Every route states one; `scripts/check-routes` fails for one that does not. */
export interface RoutePolicy {
  /** Answers without a key; for probes and the API's own description only. */
  readonly public?: boolean;
  readonly role: Role;
  /**
   * `any`: also keys that are limited to some sites. `all-sites`: what the route shows or changes is not
   * bound to one site, so a limited key gets 404, as for things that do not exist.
   */
  readonly scope: "any" | "all-sites";
}

/** How long a verified key is believed without asking the store again. */
const FRESH_MS = 5_000;
/** How long an already verified key is believed while PostgreSQL is away. */
const STALE_MS = 15 * 60_000;
/** Unknown keys are remembered too, but few: otherwise guessing would fill the memory. */
const MAX_REMEMBERED = 10_000;
const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/i;

export interface AuthOptions {
  readonly keys: () => KeyStore;
  readonly listenHost: string;
  /** Last known answer of `isEnabled`, used until PostgreSQL has been asked; kept across restarts. */
  readonly areKeysOnAtStart: boolean;
  readonly onKeysTurnedOn?: () => void;
  readonly now?: () => number;
}

interface Remembered {
  readonly key: KeyRow | undefined;
  readonly at: number;
}

/** Reads header values; `all` gives every value of a header that was sent more than once. */
export interface HeaderReader {
  one(name: string): string | undefined;
  all(name: string): readonly string[];
}

/**
 * Tells who calls. With keys on, a request needs `Authorization: Bearer <key>`; without, the server must
 * listen on loopback and the caller is `local`, unauthenticated, who may do everything.
 *
 * A verified key is remembered for seconds, so that `/predict` costs no database call and goes on while
 * PostgreSQL is away. Keys once on stay on: deleting the last key does not open the server.
 */
export class Authenticator {
  private readonly options: AuthOptions;
  private readonly now: () => number;
  private readonly remembered = new Map<string, Remembered>();
  private areKeysOn: boolean;
  private askedAt = -Infinity;

  constructor(options: AuthOptions) {
    this.options = options;
    this.now = options.now ?? Date.now;
    this.areKeysOn = options.areKeysOnAtStart;
  }

  /** Keys are on, or only this machine can reach the server. */
  get mayBind(): boolean {
    return this.areKeysOn || isLoopbackHost(this.options.listenHost);
  }

  /**
   * Refuses to serve the network without keys.
   * @throws {PlatformError} config_invalid
   */
  checkBinding(): void {
    if (this.mayBind) return;
    throw new PlatformError(
      "config_invalid",
      `start API [AURA_API_HOST ${this.options.listenHost}]: an address beyond loopback needs keys; set AURA_BOOTSTRAP_ADMIN_KEY`,
    );
  }

  /** Asks the store once whether keys are on; for the start, before the binding is checked. */
  async learn(): Promise<void> {
    if (!this.areKeysOn) await this.askWhetherOn();
  }

  /** Says that a key was made, so that the next request already needs one. */
  keysTurnedOn(): void {
    if (!this.areKeysOn) this.options.onKeysTurnedOn?.();
    this.areKeysOn = true;
  }

  /** Forgets what is remembered, e.g. after a key was revoked through this process. */
  forget(): void {
    this.remembered.clear();
  }

  /** @throws {PlatformError} unauthenticated, forbidden_origin, database_unavailable */
  async identify(headers: HeaderReader): Promise<Actor> {
    if (!this.areKeysOn) await this.askWhetherOn();
    if (!this.areKeysOn) return localActor(headers);
    return this.actorOf(await this.verify(bearerOf(headers)));
  }

  /**
   * The guard of routes that answer without a key: while there are none, no other origin may ask either. Waits for
   * nothing, since probes need an answer while the database hangs.
   *
   * @throws {PlatformError} forbidden_origin
   */
  guardPublic(headers: HeaderReader): void {
    if (this.areKeysOn) return;
    void this.askWhetherOn();
    checkOrigin((name) => headers.one(name));
  }

  /**
   * As `identify` where nothing has to be asked; undefined when the store has to.
   * @throws {PlatformError} unauthenticated, forbidden_origin
   */
  identifyNow(headers: HeaderReader): Actor | undefined {
    const now = this.now();
    if (!this.areKeysOn) return now - this.askedAt < FRESH_MS ? localActor(headers) : undefined;
    const known = this.remembered.get(bearerOf(headers));
    return known === undefined || now - known.at >= FRESH_MS ? undefined : this.actorOf(known.key);
  }

  private actorOf(key: KeyRow | undefined): Actor {
    if (key === undefined || key.revokedAt !== null || this.isExpired(key)) throw unauthenticated();
    const { id, owner, role, sites } = key;
    return { id: owner, keyId: id, role, authenticated: true, ...(sites === null ? {} : { sites }) };
  }

  private async askWhetherOn(): Promise<void> {
    if (this.now() - this.askedAt < FRESH_MS) return;
    this.askedAt = this.now();
    try {
      if (await this.options.keys().isEnabled()) this.keysTurnedOn();
    } catch {
      // PostgreSQL is away: what was last known holds. Readiness says that it is away.
    }
  }

  private async verify(secret: string): Promise<KeyRow | undefined> {
    const known = this.remembered.get(secret);
    const age = this.now() - (known?.at ?? -Infinity);
    if (known !== undefined && age < FRESH_MS) return known.key;
    try {
      const key = await this.options.keys().verify(secret);
      if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
      this.remembered.set(secret, { key, at: this.now() });
      return key;
    } catch (error) {
      if (known?.key !== undefined && age < STALE_MS) return known.key;
      throw error;
    }
  }

  private isExpired(key: KeyRow): boolean {
    return key.expiresAt !== null && Date.parse(key.expiresAt) <= this.now();
  }
}

const LOCAL: Actor = { id: "local", role: "admin", authenticated: false };

function localActor(headers: HeaderReader): Actor {
  checkOrigin((name) => headers.one(name));
  return LOCAL;
}

function bearerOf(headers: HeaderReader): string {
  const values = headers.all("authorization");
  const secret = values.length === 1 ? BEARER.exec(values[0] ?? "")?.[1] : undefined;
  if (secret === undefined) throw unauthenticated();
  return secret;
}

function unauthenticated(): PlatformError {
  return new PlatformError("unauthenticated", "authenticate: no valid key");
}

/**
 * Holds the actor against the policy.
 * @throws {PlatformError} forbidden (role), not_found (a limited key on a route of all sites)
 */
export function checkPolicy(policy: RoutePolicy, actor: Actor): void {
  const held = actor.role === "system" ? ROLES.length : ROLES.indexOf(actor.role);
  if (held < ROLES.indexOf(policy.role)) {
    throw new PlatformError("forbidden", `authorize: expected the role ${policy.role}, got ${actor.role}`);
  }
  if (policy.scope === "all-sites" && actor.sites !== undefined) {
    throw new PlatformError(
      "not_found",
      "authorize: there is no such thing in the scope of a key that is limited to sites; what is not bound to one site, most lists too, is for keys of all sites",
    );
  }
}
