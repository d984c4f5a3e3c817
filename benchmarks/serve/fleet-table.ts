import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGenerator } from "../../numerics/random/generator.ts";

export const N_FEATURES = 60;
export const N_TREES = 300;
export const SERVED_MODEL = "bench-serve";

/** Rows to train on: enough for 300 full trees, few enough to train in seconds. */
const N_ROWS = 8_000;
/** The same for a quick look: the trees are as many and as deep, the training shorter. */
const N_ROWS_QUICK = 2_500;

const columns = Array.from({ length: N_FEATURES }, (_, index) => `x${index + 1}`);

/**
 * Writes a plain table of 60 numbers and a failure flag.
 *
 * @returns the folder, for --data
 */
export function writeFleetTable(folder: string, seed: number, isQuick: boolean): string {
  const nRows = isQuick ? N_ROWS_QUICK : N_ROWS;
  const generator = createGenerator(seed);
  const lines = [[...columns, "failed"].join(",")];
  for (let row = 0; row < nRows; row += 1) {
    const values = randomRow(generator);
    const risk = values.reduce((sum, value, index) => sum + value * Math.cos(index), 0) / 3;
    const isFailed = risk + generator.normal() > 1.2;
    lines.push([...values.map((value) => value.toFixed(4)), isFailed ? 1 : 0].join(","));
  }
  writeFileSync(join(folder, "fleet.csv"), `${lines.join("\n")}\n`);
  return folder;
}

/**
 * Writes the pipeline file that learns the table.
 *
 * @param learningRate  a small one learns less: the version that a later one must be better than
 */
export function writePipeline(
  path: string,
  trained: { readonly learningRate: number; readonly nTrees: number },
): string {
  writeFileSync(path, pipelineText(trained));
  return path;
}

/** Bodies of single-row requests, each with other values. */
export function requestBodies(n: number, seed: number): string[] {
  const generator = createGenerator(seed);
  return Array.from({ length: n }, () => {
    const row = Object.fromEntries(
      randomRow(generator).map((value, index) => [columns[index], Number(value.toFixed(4))]),
    );
    return JSON.stringify({ model: SERVED_MODEL, rows: [row] });
  });
}

function randomRow(generator: ReturnType<typeof createGenerator>): number[] {
  return Array.from({ length: N_FEATURES }, () => generator.normal());
}

function pipelineText({
  learningRate,
  nTrees,
}: {
  readonly learningRate: number;
  readonly nTrees: number;
}): string {
  return `name: ${SERVED_MODEL}
sources:
  fleet:
    files: fleet.csv
    columns:
${columns.map((name) => `      - { name: ${name}, type: float }`).join("\n")}
      - { name: failed, type: integer, use: label }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
candidates:
  - { kind: gbdt, params: { numIterations: ${nTrees}, numLeaves: 31, learningRate: ${learningRate}, earlyStoppingRounds: 0 } }
split: { folds: 2 }
monitoring: { every: 24h }
`;
}
