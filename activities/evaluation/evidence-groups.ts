/** Blocks that the rows of a single asset are cut into. */
const N_BLOCKS = 20;

/**
 * Which rows are one piece of evidence: those of an asset, or of a single asset blocks of rows that follow each other, as
 * neighbouring readings are nearly the same one.
 *
 * @param codes  asset of each row
 */
export function evidenceGroups(codes: Int32Array): Int32Array {
  const isSingle = codes.every((code) => code === codes[0]);
  if (!isSingle) return codes;
  return codes.map((_, place) => Math.floor((place * N_BLOCKS) / codes.length));
}
