/**
 * How binned columns lie in memory. A block is up to 32 columns whose bins of one row are adjacent bytes, so that
 * one visit of a row, wherever it lies, feeds all their histograms; a strip is a part of a block, as narrow as
 * is needed for every thread to have one.
 */

/** Columns whose bins are read as one machine word. */
export const WORD_COLUMNS = 8;
/** Most columns of a block: half a cache line, and histograms that stay in the second-level cache. */
export const BLOCK_COLUMNS = 32;
/** Columns that a kernel adds at a time. */
export const QUAD_COLUMNS = 4;

/** Some columns of one block. */
export interface Strip {
  readonly firstColumn: number;
  readonly nColumns: number;
}

/** Bytes of a row in the block of a column: its columns, filled up to whole words. */
export function strideOf(column: number, nColumns: number): number {
  const first = column - (column % BLOCK_COLUMNS);
  return Math.ceil(Math.min(BLOCK_COLUMNS, nColumns - first) / WORD_COLUMNS) * WORD_COLUMNS;
}

/** Where a column's bin of row 0 lies; that of row r is `r · strideOf(column)` further. */
export function binPlace(column: number, nRows: number): number {
  const inBlock = column % BLOCK_COLUMNS;
  return (column - inBlock) * nRows + inBlock;
}

/** Bytes of all bins. */
export function binBytes(nRows: number, nColumns: number): number {
  return Math.ceil(nColumns / WORD_COLUMNS) * WORD_COLUMNS * nRows;
}

/** Columns of a histogram: kernels add whole quads. */
export function histogramColumns(nColumns: number): number {
  return Math.ceil(nColumns / QUAD_COLUMNS) * QUAD_COLUMNS;
}

/** Quads that cover a strip. */
export function quadsOf({ nColumns }: Strip): number {
  return Math.ceil(nColumns / QUAD_COLUMNS);
}

/** The blocks, as strips of their whole width. */
export function planBlocks(nColumns: number): readonly Strip[] {
  return cut(nColumns, BLOCK_COLUMNS);
}

/** Parts of blocks, in the order of their columns: about one per thread, none narrower than a word. */
export function planStrips(nColumns: number, nThreads: number): readonly Strip[] {
  const nWords = Math.ceil(nColumns / WORD_COLUMNS);
  const wordsPerStrip = Math.max(1, Math.min(BLOCK_COLUMNS / WORD_COLUMNS, Math.floor(nWords / nThreads)));
  // A width that divides a block, so that no strip lies in two.
  return cut(nColumns, 2 ** Math.floor(Math.log2(wordsPerStrip)) * WORD_COLUMNS);
}

function cut(nColumns: number, width: number): readonly Strip[] {
  return Array.from({ length: Math.ceil(nColumns / width) }, (_, strip) => ({
    firstColumn: strip * width,
    nColumns: Math.min(width, nColumns - strip * width),
  }));
}
