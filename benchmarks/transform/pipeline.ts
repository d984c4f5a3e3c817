import { N_SENSORS } from "./readings-csv.ts";

/**
 * The pipeline file over the generated readings: 32 features (each sensor, its means over 10 and 60 cycles, its
 * standard deviation over 60) and the remaining life up to a cap. One small candidate: what is measured ends before
 * the training.
 *
 * @param file  name of the CSV
 */
export function readingsPipeline(file: string): string {
  const sensors = Array.from({ length: N_SENSORS }, (_, index) => `s${index + 1}`);
  return `name: bench-transform
sources:
  readings:
    files: ${file}
    asset: asset
    time: { column: cycle, kind: cycle }
    columns:
      - { name: asset, type: text }
      - { name: cycle, type: integer }
${sensors.map((sensor) => `      - { name: ${sensor}, type: float, range: [-1000, 1000] }`).join("\n")}
label: { kind: end_of_life, ends: [{ at: last_reading }], cap: 2000 }
task: { kind: rul }
features:
  - current: { columns: "*" }
  - rolling: { columns: "*", stats: [mean], windows: [10, 60] }
  - rolling: { columns: "*", stats: [std], windows: [60] }
split: { folds: 2 }
candidates:
  - { kind: gbdt, params: { numIterations: 10 } }
`;
}
