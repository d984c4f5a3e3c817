import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { trainIsolationForest } from "../../numerics/anomaly/isolation-forest.ts";
import { trainPcaMonitor } from "../../numerics/anomaly/pca-monitor.ts";
import { selectRows } from "../../numerics/matrix.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { rocAuc } from "../../numerics/metrics/binary.ts";
import { predict } from "../../numerics/model.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { SuiteContext } from "../suite.ts";
import { measurePeer } from "../peer.ts";
import { PIPELINE_SPECS } from "./specs.ts";

/** Rows that say of themselves whether they are unusual; healthy ones of the other folds are what is learnt from. */
interface DetectionRows {
  readonly matrix: Matrix;
  readonly unusual: Float64Array;
  readonly fold: Int32Array;
}

const N_FOLDS = 5;
/** Engines wear from the first cycle on: what is healthy are the first, what is worn the last before the failure. */
const HEALTHY_CYCLES = 50;
const WORN_CYCLES = 30;
const SEED = 7;

const OURS: Readonly<Record<"monitor" | "forest", (matrix: Matrix, trainRows: Int32Array) => TrainedModel>> =
  {
    monitor: (matrix, trainRows) => trainPcaMonitor({ matrix, trainRows }),
    forest: (matrix, trainRows) => trainIsolationForest({ matrix, trainRows, seed: SEED }),
  };

/** The engines of FD001: 21 sensors as read, folds of whole engines. */
export function measureFd001Detectors(context: SuiteContext, data: string): Promise<void> {
  const lines = readFileSync(join(data, "train_FD001.txt"), "utf8").trim().split("\n");
  const table = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const lives = new Map<number, number>();
  for (const [unit = 0, cycle = 0] of table) lives.set(unit, Math.max(cycle, lives.get(unit) ?? 0));
  const rows = table.flatMap(([unit = 0, cycle = 0, , , , ...sensors]) => {
    const isWorn = (lives.get(unit) ?? 0) - cycle < WORN_CYCLES;
    return isWorn || cycle <= HEALTHY_CYCLES ? [{ features: sensors, isUnusual: isWorn, group: unit }] : [];
  });
  return compare(context, "FD001", {
    rows,
    specs: [PIPELINE_SPECS.fd001Monitor, PIPELINE_SPECS.fd001Isolation],
  });
}

/** AI4I: the declared columns with power, temperature difference and wear times torque; failures are unusual. */
export function measureAi4iDetectors(context: SuiteContext, data: string): Promise<void> {
  const [, ...lines] = readFileSync(join(data, "ai4i2020.csv"), "utf8").trim().split(/\r?\n/);
  const rows = lines.map((line, row) => {
    const cells = line.split(",");
    const [air = 0, process = 0, speed = 0, torque = 0, wear = 0] = cells.slice(3, 8).map(Number);
    const features = [air, process, speed, torque, wear, torque * speed, process - air, wear * torque];
    return { features, isUnusual: cells[8] === "1", group: row };
  });
  return compare(context, "AI4I", {
    rows,
    specs: [PIPELINE_SPECS.ai4iMonitor, PIPELINE_SPECS.ai4iIsolation],
  });
}

interface Comparison {
  readonly rows: readonly {
    readonly features: readonly number[];
    readonly isUnusual: boolean;
    readonly group: number;
  }[];
  /** Of the monitor beside the best peer, and of the isolation forest beside scikit-learn's. */
  readonly specs: readonly [
    (typeof PIPELINE_SPECS)["fd001Monitor" | "ai4iMonitor"],
    (typeof PIPELINE_SPECS)["fd001Isolation" | "ai4iIsolation"],
  ];
}

async function compare(context: SuiteContext, name: string, { rows, specs }: Comparison): Promise<void> {
  const nColumns = rows[0]?.features.length ?? 0;
  const given: DetectionRows = {
    matrix: {
      data: Float64Array.from(rows.flatMap(({ features }) => features)),
      nRows: rows.length,
      nColumns,
    },
    unusual: Float64Array.from(rows, ({ isUnusual }) => Number(isUnusual)),
    fold: Int32Array.from(rows, ({ group }) => group % N_FOLDS),
  };
  const path = join(context.scratch, `detectors-${name}.f64`);
  writeFileSync(path, Buffer.from(withKeys(given).buffer));
  const peer = await measurePeer(context, "anomaly_detectors.py", [String(nColumns + 2), path]);
  const [monitor, isolation] = specs;
  const best = peer === undefined ? undefined : Math.max(...Object.values(peer.metrics));
  const beside = (value: number | undefined) =>
    peer === undefined || value === undefined ? {} : { peer: value, peerVersion: peer.version };
  context.row(monitor, { ours: meanArea(given, OURS.monitor), seed: SEED, ...beside(best) });
  const theirs = peer?.metrics["isolationForest"];
  context.row(isolation, { ours: meanArea(given, OURS.forest), seed: SEED, ...beside(theirs) });
  const listed = Object.entries(peer?.metrics ?? {}).map(([key, value]) => `${key} ${value.toFixed(4)}`);
  context.say(`${name}, ROC AUC of scikit-learn's detectors: ${listed.join(", ") || "peer absent"}`);
}

/** Mean over the folds, as the peer's. */
function meanArea({ matrix, unusual, fold }: DetectionRows, train: (typeof OURS)["monitor"]): number {
  const areas = Array.from({ length: N_FOLDS }, (_, own) => {
    const rowsWhere = (keep: (row: number) => boolean) =>
      Int32Array.from({ length: matrix.nRows }, (__, row) => row).filter(keep);
    const judged = rowsWhere((row) => fold[row] === own);
    const model = train(
      matrix,
      rowsWhere((row) => fold[row] !== own && unusual[row] === 0),
    );
    const scores = predict(model, selectRows(matrix, judged)).values;
    return rocAuc(
      Float64Array.from(judged, (row) => unusual[row] ?? 0),
      scores,
    );
  });
  return areas.reduce((sum, area) => sum + area, 0) / N_FOLDS;
}

function withKeys({ matrix: { data, nRows, nColumns }, unusual, fold }: DetectionRows): Float64Array {
  const values = new Float64Array(nRows * (nColumns + 2));
  for (let row = 0; row < nRows; row++) {
    values.set(data.subarray(row * nColumns, (row + 1) * nColumns), row * (nColumns + 2));
    values.set([unusual[row] ?? 0, fold[row] ?? 0], row * (nColumns + 2) + nColumns);
  }
  return values;
}
