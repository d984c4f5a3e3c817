import type { AuditAnchor } from "../port.ts";
import { chainHash, GENESIS } from "./audit-row.ts";
import type { AuditRow } from "./audit-row.ts";

/** A log row beside its seal; one side is null where the other lacks its partner. */
export type ChainedRow = { readonly [K in keyof AuditRow]: AuditRow[K] | null } & {
  readonly position: number | null;
  readonly sealed_seq: number | null;
  readonly hash: Buffer | null;
  readonly is_waiting: boolean;
};

/**
 * Walks the chain once, in order of position, and remembers the first row that does not fit.
 *
 * | damage | how it shows |
 * |---|---|
 * | an edited row | its hash differs |
 * | a deleted or reordered row | a seal without its row, or a hash that differs |
 * | a deleted seal | a gap in position, or a row neither sealed nor waiting |
 * | a lost tail | the chain ends before an anchor, or has another hash there |
 */
export class ChainCheck {
  readonly #anchors: Map<number, Set<string>>;
  readonly #lastAnchor: number;
  #previous: Buffer = GENESIS;
  #position = 0;
  #lastSeq = 0;
  #rows = 0;
  #unsealed = 0;
  #firstBad: number | undefined;

  /** @param anchors heads seen before, from the database and from outside it */
  constructor(anchors: readonly AuditAnchor[]) {
    this.#anchors = new Map();
    for (const { position, head } of anchors) {
      this.#anchors.set(position, (this.#anchors.get(position) ?? new Set()).add(head));
    }
    this.#lastAnchor = Math.max(0, ...this.#anchors.keys());
  }

  add(row: ChainedRow): void {
    if (row.seq !== null) this.#rows++;
    if (row.position === null || row.hash === null) this.#addUnsealed(row);
    else this.#addSealed(row, row.position, row.hash);
  }

  result(): { ok: boolean; rows: number; unsealed: number; firstBad?: number; head: string } {
    // A chain that ends early lost the row after the last one present; its number is not known any more.
    if (this.#position < this.#lastAnchor) this.#bad(this.#lastSeq + 1);
    return {
      ok: this.#firstBad === undefined,
      rows: this.#rows,
      unsealed: this.#unsealed,
      ...(this.#firstBad === undefined ? {} : { firstBad: this.#firstBad }),
      head: this.#previous.toString("hex"),
    };
  }

  #addSealed(row: ChainedRow, position: number, hash: Buffer): void {
    const seq = row.sealed_seq ?? 0;
    if (position !== this.#position + 1 || !isWhole(row) || !chainHash(this.#previous, row).equals(hash)) {
      this.#bad(seq);
    }
    const anchored = this.#anchors.get(position);
    if (anchored !== undefined && (anchored.size > 1 || !anchored.has(hash.toString("hex")))) this.#bad(seq);
    this.#position = position;
    this.#previous = hash;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  #addUnsealed(row: ChainedRow): void {
    this.#unsealed++;
    if (!row.is_waiting) this.#bad(row.seq ?? 0);
  }

  #bad(seq: number): void {
    this.#firstBad ??= seq;
  }
}

function isWhole(row: ChainedRow): row is ChainedRow & AuditRow {
  return row.seq !== null && row.action !== null;
}
