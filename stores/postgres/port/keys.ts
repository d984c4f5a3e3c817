import type { AuditEntry } from "./actor.ts";

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  /** The person it belongs to, as approval policies name them; several keys may have one owner. */
  readonly owner: string;
  readonly role: "viewer" | "operator" | "approver" | "admin";
  readonly sites: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

export interface NewKey {
  readonly name: string;
  /** Default: the name. */
  readonly owner?: string;
  readonly role: KeyRow["role"];
  readonly sites?: readonly string[];
  readonly expiresAt?: string;
  readonly secret?: string;
}

export interface KeyStore {
  /** Whether any key was ever created: then every request needs one. */
  isEnabled(): Promise<boolean>;
  /** Returns the secret once; only its SHA-256 is stored. */
  create(k: NewKey, audit: AuditEntry): Promise<{ key: KeyRow; secret: string }>;
  verify(secret: string): Promise<KeyRow | undefined>;
  list(): Promise<KeyRow[]>;
  /** Refuses the last valid admin key for all sites (`last_admin_key`): keys once on stay on, so nobody could make others. */
  revoke(id: string, audit: AuditEntry): Promise<void>;
}
