/**
 * The bins of a node's rows, for the features that it tries.
 *
 * Rows of a small node lie far apart in the table. Where a node has so few rows that all their bins fit into the second
 * cache they are copied side by side, and all nodes below it read the copy.
 */
import type { NodeFeature, NodeRows } from "./criterion.ts";

/** Rows of 85 features fit the first cache this many at a time. */
const TILE_ROWS = 64;
/** Bins of a copy: a quarter of a megabyte. */
const COPY_CELLS = 131_072;
/** Largest code of 16 bits: one below the code 0 of missing values. */
const TOP_CODE = 0xffff;

/** Bins of all rows. */
export interface BinnedTable {
  /** Uint16Array, row-major (rows × features). */
  readonly bins: Uint16Array;
  readonly nFeatures: number;
}

/** Buffers for nodes of up to `nRows` rows and as many features as are tried at once. */
export class NodeCodes {
  readonly #table: BinnedTable;
  readonly #codes: readonly Uint16Array[];
  /** By place: least and greatest code less one, where a missing value is the greatest. */
  readonly #lowest: Int32Array;
  readonly #highest: Int32Array;
  readonly #copy: Uint16Array;
  /** What rows count in: the table's bins, or the copy. */
  #bins: Uint16Array;
  #nRows = 0;

  constructor(table: BinnedTable, nRows: number, nTried: number) {
    this.#table = table;
    this.#bins = table.bins;
    this.#copy = new Uint16Array(Math.min(COPY_CELLS, nRows * table.nFeatures));
    this.#codes = Array.from({ length: nTried }, () => new Uint16Array(nRows));
    this.#lowest = new Int32Array(nTried);
    this.#highest = new Int32Array(nTried);
  }

  /** Whether the rows of a node can be copied. */
  fits(nRows: number): boolean {
    return nRows * this.#table.nFeatures <= COPY_CELLS;
  }

  /** Copies a node's rows: row r is then the r-th of them. null: rows are those of the table again. */
  focus(node: NodeRows | null): void {
    const { bins, nFeatures } = this.#table;
    this.#bins = node === null ? bins : this.#copy;
    if (node === null) return;
    for (let index = node.begin; index < node.end; index++) {
      const [from, to] = [node.rows[index] * nFeatures, (index - node.begin) * nFeatures];
      for (let feature = 0; feature < nFeatures; feature++) this.#copy[to + feature] = bins[from + feature];
    }
  }

  /**
   * Gathers the bins of features `order[first … last)`, tile by tile: so each line of memory is fetched once and not
   * once per feature.
   */
  gather({ rows, begin, end }: NodeRows, order: Int32Array, first: number, last: number): void {
    const { nFeatures } = this.#table;
    const bins = this.#bins;
    this.#nRows = end - begin;
    this.#lowest.fill(TOP_CODE);
    this.#highest.fill(0);
    for (let from = begin; from < end; from += TILE_ROWS) {
      const to = Math.min(end, from + TILE_ROWS);
      for (let tried = first; tried < last; tried++) {
        const feature = order[tried];
        const place = tried - first;
        const written = this.#codes[place];
        let lowest = this.#lowest[place];
        let highest = this.#highest[place];
        for (let index = from; index < to; index++) {
          const code = bins[rows[index] * nFeatures + feature];
          written[index - begin] = code;
          const below = (code - 1) & TOP_CODE;
          if (below < lowest) lowest = below;
          if (below > highest) highest = below;
        }
        this.#lowest[place] = lowest;
        this.#highest[place] = highest;
      }
    }
  }

  /** The feature that was gathered at a place. */
  feature(place: number, { index, nValueBins }: Pick<NodeFeature, "index" | "nValueBins">): NodeFeature {
    const codes = this.#codes[place];
    const hasMissing = this.#highest[place] === TOP_CODE;
    const highest = hasMissing ? greatestOf(codes, this.#nRows) : this.#highest[place] + 1;
    return { index, nValueBins, codes, lowest: this.#lowest[place] + 1, highest, hasMissing };
  }

  /** Gathers the bins of one feature. */
  gatherOne({ rows, begin, end }: NodeRows, feature: number, codes: Uint16Array): void {
    const { nFeatures } = this.#table;
    const bins = this.#bins;
    for (let index = begin; index < end; index++) {
      codes[index - begin] = bins[rows[index] * nFeatures + feature];
    }
  }
}

function greatestOf(codes: Uint16Array, nRows: number): number {
  let greatest = 0;
  for (let row = 0; row < nRows; row++) if (codes[row] > greatest) greatest = codes[row];
  return greatest;
}
