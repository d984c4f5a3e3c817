import type { AlertChannel } from "../../../schemas/alerts/alert-channel.ts";
import type { AlertRule } from "../../../schemas/alerts/alert-rule.ts";
import type { AlertSilence } from "../../../schemas/alerts/alert-silence.ts";
import type { Actor, AuditEntry } from "./actor.ts";

/** A document that somebody declared under a name. */
export interface DeclaredRow<T> {
  readonly name: string;
  readonly document: T;
  readonly sha256: string;
  readonly actor: string;
  readonly changedAt: string;
}

/** Documents by name; every change is audited in its transaction. */
export interface DeclarationStore<T> {
  put(document: T, actor: Actor): Promise<DeclaredRow<T> & { readonly isNew: boolean }>;
  get(name: string): Promise<DeclaredRow<T> | undefined>;
  /** In the order of their names. */
  list(): Promise<DeclaredRow<T>[]>;
  /** @returns whether there was one */
  remove(name: string, audit: AuditEntry): Promise<boolean>;
}

/** A changed rule begins anew with what was pending; a removed one clears what it raised. */
export type AlertRuleStore = DeclarationStore<AlertRule>;
export type AlertChannelStore = DeclarationStore<AlertChannel>;
export type AlertSilenceStore = DeclarationStore<AlertSilence>;
