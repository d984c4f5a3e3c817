import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { AuditEntry } from "./actor.ts";

export const DOCUMENT_KINDS = ["report", "log", "note", "manual"] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export interface NewDocument {
  readonly title: string;
  readonly kind: DocumentKind;
  /** When what it tells of happened. */
  readonly at: string;
  readonly assets: readonly string[];
  readonly object: ObjectRef;
  readonly mediaType: string;
  /** What is searched; empty where the file is no text. */
  readonly body: string;
}

export interface DocumentRow {
  readonly id: number;
  readonly title: string;
  readonly kind: DocumentKind;
  readonly at: string;
  readonly assets: readonly string[];
  readonly object: ObjectRef;
  readonly mediaType: string;
  readonly actor: string;
  readonly createdAt: string;
}

export interface FoundDocument extends DocumentRow {
  /** Words that were asked for and those around them; null: nothing was asked for. */
  readonly excerpt: string | null;
}

export interface DocumentSearch {
  /** Words that must all be there; `"two words"` together, `-word` absent. */
  readonly words?: string;
  readonly asset?: string;
  readonly kind?: DocumentKind;
  readonly limit: number;
  readonly offset: number;
}

/** Reports and logs about assets. */
export interface DocumentStore {
  add(document: NewDocument, audit: AuditEntry): Promise<DocumentRow>;
  get(id: number): Promise<(DocumentRow & { readonly body: string }) | undefined>;
  /** Best first where words are asked for, else newest first. */
  search(search: DocumentSearch): Promise<FoundDocument[]>;
  /** @throws {PlatformError} not_found */
  remove(id: number, audit: AuditEntry): Promise<void>;
}
