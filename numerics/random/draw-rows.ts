import type { Generator } from "./generator.ts";

/** `nDrawn` of 0 … nRows − 1, ascending, each equally likely. One draw a row, where a shuffle would need a sort as well. */
export function drawRows(nRows: number, nDrawn: number, generator: Generator): Int32Array {
  const drawn = new Int32Array(nDrawn);
  let nTaken = 0;
  for (let row = 0; nTaken < nDrawn; row++) {
    if (generator.next() * (nRows - row) < nDrawn - nTaken) drawn[nTaken++] = row;
  }
  return drawn;
}
