import { existsSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { createGenerator } from "../../numerics/random/generator.ts";

const BATCH_ROWS = 50_000;

/**
 * A file of doubles, row-major: nColumns features and the target, 0 or 1. Twelve features matter, by waves, products
 * and bends; the rest is noise. Written once and kept.
 */
export async function trainingFile(cache: string, nRows: number, nColumns: number): Promise<string> {
  const path = join(cache, `train-${nRows}x${nColumns}.f64`);
  if (existsSync(path)) return path;
  const generator = createGenerator("bench/train");
  const partial = `${path}.partial`;
  const file = await open(partial, "w");
  try {
    for (let from = 0; from < nRows; from += BATCH_ROWS) {
      const n = Math.min(BATCH_ROWS, nRows - from);
      const batch = new Float64Array(n * (nColumns + 1));
      for (let row = 0; row < n; row++) {
        const x = batch.subarray(row * (nColumns + 1), (row + 1) * (nColumns + 1));
        for (let column = 0; column < nColumns; column++) x[column] = generator.normal();
        const odds =
          1.2 * Math.sin(2 * x[0]!) +
          x[1]! * x[2]! +
          0.8 * Math.abs(x[3]!) -
          0.35 * x[4]! ** 2 +
          x[5]! +
          0.5 * x[6]! * x[7]! * x[8]! +
          0.6 * x[9]! -
          0.4 * x[10]! +
          0.5 * Math.max(0, x[11]!);
        x[nColumns] = generator.next() < 1 / (1 + Math.exp(-1.6 * odds)) ? 1 : 0;
      }
      await file.write(new Uint8Array(batch.buffer));
    }
  } finally {
    await file.close();
  }
  await rename(partial, path);
  return path;
}
