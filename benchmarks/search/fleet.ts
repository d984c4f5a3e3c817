import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGenerator } from "../../numerics/random/generator.ts";
import { groupKFold } from "../../numerics/splits/group-k-fold.ts";
import { chooseHoldout } from "../../numerics/splits/holdout.ts";

export const N_COLUMNS = 30;
const HOLDOUT_SHARE = 0.1;
const N_FOLDS = 5;
const SPLIT_SEED = 7;
const ROWS_PER_MACHINE = 80;

/** How much is searched. */
export interface SearchSize {
  readonly nMachines: number;
  readonly nTrials: number;
  readonly nRounds: number;
}

/** The files of one search, ours and the peer's. */
export interface SearchFiles {
  readonly data: string;
  readonly pipeline: string;
  /** A line per row of the data: its fold, −1 in the holdout. */
  readonly folds: string;
}

const columns = Array.from({ length: N_COLUMNS }, (_, index) => `x${index + 1}`);

/** Writes a fleet, the pipeline that searches it, and the folds that the pipeline will cut. */
export function writeSearchFiles(folder: string, size: SearchSize): SearchFiles {
  const machines = Array.from({ length: size.nMachines }, (_, index) => `m${String(index).padStart(4, "0")}`);
  const files = {
    data: join(folder, "fleet.csv"),
    pipeline: join(folder, "pipeline.yaml"),
    folds: join(folder, "folds.csv"),
  };
  writeFileSync(files.data, fleetText(machines));
  writeFileSync(files.pipeline, pipelineText(size));
  const folds = foldsOf(machines);
  writeFileSync(
    files.folds,
    machines.flatMap((_, index) => Array<string>(ROWS_PER_MACHINE).fill(`${folds[index]}\n`)).join(""),
  );
  return files;
}

/** Eight columns matter, by waves, products and bends; machines differ by a shift; the rest is noise. */
function fleetText(machines: readonly string[]): string {
  const generator = createGenerator("bench/search");
  const lines = [["machine", "cycle", ...columns, "failed"].join(",")];
  for (const machine of machines) {
    const shift = 0.7 * generator.normal();
    for (let cycle = 1; cycle <= ROWS_PER_MACHINE; cycle++) {
      const x = columns.map(() => generator.normal());
      const odds =
        1.2 * Math.sin(2 * x[0]!) +
        x[1]! * x[2]! +
        0.8 * Math.abs(x[3]!) -
        0.35 * x[4]! ** 2 +
        x[5]! +
        0.5 * x[6]! * x[7]! +
        shift;
      const isFailed = generator.next() < 1 / (1 + Math.exp(1 - odds));
      lines.push([machine, cycle, ...x.map((value) => value.toFixed(4)), isFailed ? 1 : 0].join(","));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** As the pipeline cuts them, so that the peer has the same. */
function foldsOf(machines: readonly string[]): Int32Array {
  const held = chooseHoldout(machines, { share: HOLDOUT_SHARE, seed: SPLIT_SEED });
  const rest = machines.filter((_, index) => held[index] === 0);
  const assigned = groupKFold(rest, { nFolds: N_FOLDS, seed: SPLIT_SEED });
  const out = new Int32Array(machines.length).fill(-1);
  let place = 0;
  for (let index = 0; index < machines.length; index++)
    if (held[index] === 0) out[index] = assigned[place++]!;
  return out;
}

function pipelineText({ nTrials, nRounds }: SearchSize): string {
  return `name: bench-search
sources:
  fleet:
    files: fleet.csv
    asset: machine
    time: { column: cycle, kind: cycle }
    columns:
${columns.map((name) => `      - { name: ${name}, type: float }`).join("\n")}
      - { name: failed, type: integer, use: label }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
split: { holdout: { by: asset, share: ${HOLDOUT_SHARE} }, folds: ${N_FOLDS}, stratify: false, seed: ${SPLIT_SEED} }
candidates:
  - kind: gbdt
    params: { numIterations: ${nRounds}, earlyStoppingRounds: 0, baggingFreq: 1 }
    search:
      learningRate: { kind: float, low: 0.02, high: 0.3, log: true }
      numLeaves: { kind: integer, low: 8, high: 64, log: true }
      minDataInLeaf: { kind: integer, low: 5, high: 100, log: true }
      featureFraction: { kind: float, low: 0.4, high: 1 }
      baggingFraction: { kind: float, low: 0.5, high: 1 }
      lambdaL2: { kind: float, low: 0.001, high: 10, log: true }
search:
  budget: { trials: ${nTrials} }
  seed: 1
metrics: { primary: logLoss }
monitoring: { every: 24h }
`;
}
