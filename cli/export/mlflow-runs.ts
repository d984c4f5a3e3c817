import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import type { RunView } from "../../schemas/run.ts";
import type { TrialCurves, TrialView } from "../../schemas/trial.ts";

/**
 * Trials in the layout of MLflow's file store:
 *
 *     <folder>/<experiment id>/meta.yaml
 *     <folder>/<experiment id>/<run id>/{meta.yaml, params/<name>, metrics/<name>, tags/<name>, artifacts/}
 *
 * A metric's file has lines of time, value and step; learning curves are metrics with the round as their step. Ids are
 * hashes of ours, so that a second export writes the same files.
 *
 * Source: MLflow's `mlflow/store/tracking/file_store.py`.
 */
export interface MlflowExport {
  readonly folder: string;
  readonly run: RunView;
  readonly trials: readonly TrialView[];
  readonly curvesOf: (trial: TrialView) => Promise<TrialCurves>;
}

/** MLflow's codes. */
const STATUS = { complete: 3, failed: 4, pruned: 5 } as const;
const LOCAL_SOURCE = 4;

export async function writeMlflowRuns({ folder, run, trials, curvesOf }: MlflowExport): Promise<void> {
  // Decimal, as MLflow makes them, and below 2^53.
  const experiment = String(Number.parseInt(hash(run.runId).slice(0, 12), 16));
  const root = join(resolve(folder), experiment);
  await mkdir(root, { recursive: true });
  const startedMs = Date.parse(run.startedAt);
  await writeYaml(join(root, "meta.yaml"), {
    artifact_location: pathToFileURL(root).href,
    creation_time: startedMs,
    experiment_id: experiment,
    last_update_time: startedMs,
    lifecycle_stage: "active",
    name: `${run.pipeline} ${run.runId}`,
  });
  for (const trial of trials) {
    await writeTrial({ root, experiment, run, startedMs }, trial, await curvesOf(trial));
  }
}

interface Place {
  readonly root: string;
  readonly experiment: string;
  readonly run: RunView;
  readonly startedMs: number;
}

async function writeTrial(place: Place, trial: TrialView, curves: TrialCurves): Promise<void> {
  const { root, experiment, run, startedMs } = place;
  const name = `${trial.candidate}-${trial.number}`;
  const id = hash(`${run.runId}/${name}`).slice(0, 32);
  const folder = join(root, id);
  for (const part of ["params", "metrics", "tags", "artifacts"])
    await mkdir(join(folder, part), { recursive: true });
  const endedMs = startedMs + Math.round(1000 * trial.seconds);
  await writeYaml(join(folder, "meta.yaml"), {
    artifact_uri: pathToFileURL(join(folder, "artifacts")).href,
    end_time: endedMs,
    entry_point_name: "",
    experiment_id: experiment,
    lifecycle_stage: "active",
    run_id: id,
    run_name: name,
    run_uuid: id,
    source_name: "",
    source_type: LOCAL_SOURCE,
    source_version: "",
    start_time: startedMs,
    status: STATUS[trial.state],
    tags: [],
    user_id: run.requestedBy,
  });
  const write = (part: string, key: string, text: string) => writeFile(join(folder, part, key), text);
  for (const [key, value] of Object.entries(trial.parameters)) await write("params", key, String(value));
  for (const [key, lines] of metricLines(trial, curves, endedMs)) await write("metrics", key, lines);
  const tags = {
    "mlflow.runName": name,
    "mlflow.user": run.requestedBy,
    "aura.run": run.runId,
    "aura.candidate": trial.candidate,
    "aura.trial": String(trial.number),
    "aura.state": trial.state,
    "aura.seed": String(trial.seed),
    ...(run.dataset === undefined ? {} : { "aura.dataset": run.dataset }),
    ...(trial.message === undefined ? {} : { "aura.message": trial.message }),
  };
  for (const [key, value] of Object.entries(tags)) await write("tags", key, value);
}

/** Final metrics, what the pruner saw after each fold, and the learning curve of each fold. */
function metricLines(trial: TrialView, curves: TrialCurves, atMs: number): [name: string, lines: string][] {
  const series = (points: readonly (number | null)[]) =>
    points.map((value, step) => `${atMs} ${value ?? "nan"} ${step}\n`).join("");
  const [objective] = trial.objectives;
  return [
    ...Object.entries(trial.metrics).map(([name, value]): [string, string] => [name, series([value])]),
    ...(objective === undefined
      ? []
      : [[`${objective.metric}_folds`, series(trial.folds.map(({ value }) => value))] as [string, string]]),
    ...curves.folds
      .filter(({ history }) => history.length > 0)
      .map(({ repeat, fold, history }): [string, string] => [`curve_${repeat}_${fold}`, series(history)]),
  ];
}

const writeYaml = (path: string, value: unknown): Promise<void> => writeFile(path, stringify(value));
const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
