/** Who does something; `authenticated` is false where the server runs without keys. */
export interface Actor {
  /** The person: with keys the owner of the key. */
  readonly id: string;
  /** The key that was used; audit rows keep it as `details.key`. */
  readonly keyId?: string;
  readonly role: "viewer" | "operator" | "approver" | "admin" | "system";
  readonly authenticated: boolean;
  /** Sites the key may see; undefined = all. */
  readonly sites?: readonly string[];
}

/** What every state-changing call writes beside its effect, in the same transaction. */
export interface AuditEntry {
  readonly actor: Actor;
  readonly action: string;
  readonly subject: string;
  readonly outcome: "ok" | "refused";
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** A second entry with the same key is not written: for what is tried again. Not read back. */
  readonly key?: string;
}
