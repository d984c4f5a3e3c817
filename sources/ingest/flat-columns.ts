import type { Source } from "../../schemas/pipeline/source.ts";

/** What a column without two different values holds. */
interface Flat {
  readonly column: string;
  /** The cell of all rows so far; undefined before the first. */
  only: string | undefined;
}

/**
 * Columns of a source that become features although their rows all say the same, or nothing. Values are compared as they
 * are written; a missing one is a value of its own, since that it is missing may tell something.
 */
export class FlatColumns {
  readonly #name: string;
  readonly #nulls: ReadonlySet<string>;
  #flat: readonly Flat[];
  #nRows = 0;

  constructor(name: string, { role, columns, format, asset, time, pii = [] }: Source) {
    const isFeature = role === "readings" || role === "attributes";
    const features = columns.filter(
      (c) => c.use === "feature" && c.name !== asset && c.name !== time?.column && !pii.includes(c.name),
    );
    this.#name = name;
    this.#nulls = new Set(["", ...format.nullValues]);
    this.#flat = isFeature ? features.map((c) => ({ column: c.name, only: undefined })) : [];
  }

  /** Takes an accepted row. */
  take(columns: readonly string[], fields: readonly string[]): void {
    this.#nRows++;
    let isAnyOther = false;
    for (const flat of this.#flat) {
      const cell = this.#cellOf(flat.column, columns, fields);
      flat.only ??= cell;
      if (flat.only !== cell) isAnyOther = true;
    }
    if (!isAnyOther) return;
    this.#flat = this.#flat.filter(({ column, only }) => only === this.#cellOf(column, columns, fields));
  }

  /** A sentence for each; none where a single row was seen. */
  notes(): readonly string[] {
    if (this.#nRows < 2) return [];
    return this.#flat.map(({ column, only = "" }) => {
      const what = only === "" ? "have no value" : `say '${only.slice(0, 40)}'`;
      return `sources.${this.#name}.columns.${column}: all ${this.#nRows} rows looked at ${what}: a model learns nothing from that; 'use: ignore' leaves the column out`;
    });
  }

  #cellOf(column: string, columns: readonly string[], fields: readonly string[]): string {
    const cell = (fields[columns.indexOf(column)] ?? "").trim();
    return this.#nulls.has(cell) ? "" : cell;
  }
}
