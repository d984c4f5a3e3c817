import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import type { TrialCurves, TrialView } from "../../schemas/runs/trial.ts";

/**
 * A run and its trials in the layout of MLflow's file store, the trials nested in the run:
 *
 *     <folder>/<experiment id>/meta.yaml
 *     <folder>/<experiment id>/<run id>/{meta.yaml, params/<name>, metrics/<name>, tags/<name>, artifacts/}
 *
 * A metric's file has lines of time, value and step; learning curves are metrics with the round as their step. Ids are
 * hashes of ours, so that a second export writes the same files.
 *
 * Source: MLflow's `mlflow/store/tracking/file_store.py`. Opened with MLflow 3.17, which asks for
 * `MLFLOW_ALLOW_FILE_STORE=true`, as its own default is a database by now.
 */
export interface MlflowExport {
  readonly folder: string;
  readonly run: RunView;
  readonly trials: readonly TrialView[];
  readonly curvesOf: (trial: TrialView) => Promise<TrialCurves>;
}

/** MLflow's codes. */
const RUN_STATUS = { running: 1, waiting: 1, finished: 3, failed: 4, cancelled: 5 } as const;
const TRIAL_STATUS = { complete: 3, failed: 4, pruned: 5 } as const;
const LOCAL_SOURCE = 4;

export async function writeMlflowRuns({ folder, run, trials, curvesOf }: MlflowExport): Promise<void> {
  // Decimal, as MLflow makes them, and below 2^53.
  const experiment = String(Number.parseInt(sha256Hex(run.runId).slice(0, 12), 16));
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
  const place = { root, experiment, run, startedMs };
  const parent = entryOfRun(place);
  await writeEntry(place, parent);
  if (run.evaluation !== undefined)
    await writeFile(
      join(root, parent.id, "artifacts", "evaluation.json"),
      `${JSON.stringify(run.evaluation, null, 2)}\n`,
    );
  for (const trial of trials)
    await writeEntry(place, entryOfTrial(place, { trial, curves: await curvesOf(trial), parent: parent.id }));
}

interface Place {
  readonly root: string;
  readonly experiment: string;
  readonly run: RunView;
  readonly startedMs: number;
}

/** What MLflow calls a run. */
interface Entry {
  readonly id: string;
  readonly name: string;
  readonly status: number;
  readonly endedMs: number | null;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: readonly (readonly [name: string, lines: string])[];
  readonly tags: Readonly<Record<string, string | undefined>>;
}

/** The version that a run made: its metrics on holdout and folds, and what was trained on what. */
function entryOfRun({ run, startedMs }: Place): Entry {
  const { evaluation, metrics, model, version, finishedAt } = run;
  const endedMs = finishedAt === undefined ? null : Date.parse(finishedAt);
  const at = endedMs ?? startedMs;
  const named = (prefix: string, values: Readonly<Record<string, number>> = {}) =>
    Object.entries(values).map(([name, value]) => [`${prefix}_${name}`, seriesText(at, [value])] as const);
  const kindOf = (name: string) => evaluation?.candidates.find((candidate) => candidate.name === name)?.kind;
  return {
    id: entryId(run.runId),
    name: version === undefined ? run.pipeline : `${model}@${version}`,
    status: RUN_STATUS[run.status],
    endedMs,
    params:
      evaluation === undefined
        ? {}
        : {
            candidate: evaluation.candidate,
            kind: kindOf(evaluation.candidate) ?? "",
            primaryMetric: evaluation.primaryMetric,
            trainRows: String(evaluation.rows.train),
            testRows: String(evaluation.rows.test),
          },
    metrics: [...named("test", metrics?.test), ...named("cv", metrics?.cv)],
    tags: {
      "aura.outcome": run.outcome ?? run.status,
      "aura.version": version === undefined ? undefined : `${model}@${version}`,
      "aura.digest": run.digest,
      "aura.message": run.error?.message,
    },
  };
}

function entryOfTrial(
  { run, startedMs }: Place,
  given: { readonly trial: TrialView; readonly curves: TrialCurves; readonly parent: string },
): Entry {
  const { trial, curves, parent } = given;
  const name = `${trial.candidate}-${trial.number}`;
  const endedMs = startedMs + Math.round(1000 * trial.seconds);
  return {
    id: entryId(`${run.runId}/${name}`),
    name,
    status: TRIAL_STATUS[trial.state],
    endedMs,
    params: Object.fromEntries(Object.entries(trial.parameters).map(([key, value]) => [key, String(value)])),
    metrics: metricLines(trial, curves, endedMs),
    tags: {
      "mlflow.parentRunId": parent,
      "aura.candidate": trial.candidate,
      "aura.trial": String(trial.number),
      "aura.state": trial.state,
      "aura.seed": String(trial.seed),
      "aura.message": trial.message,
    },
  };
}

async function writeEntry({ root, experiment, run, startedMs }: Place, entry: Entry): Promise<void> {
  const { id, name, status, endedMs, params, metrics } = entry;
  const folder = join(root, id);
  for (const part of ["params", "metrics", "tags", "artifacts"])
    await mkdir(join(folder, part), { recursive: true });
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
    status,
    tags: [],
    user_id: run.requestedBy,
  });
  const write = (part: string, key: string, text: string) => writeFile(join(folder, part, key), text);
  for (const [key, value] of Object.entries(params)) await write("params", key, value);
  for (const [key, lines] of metrics) await write("metrics", key, lines);
  const tags = {
    "mlflow.runName": name,
    "mlflow.user": run.requestedBy,
    "aura.run": run.runId,
    "aura.dataset": run.dataset,
    ...entry.tags,
  };
  for (const [key, value] of Object.entries(tags)) if (value !== undefined) await write("tags", key, value);
}

/** Final metrics, what the pruner saw after each fold, and the learning curve of each fold. */
function metricLines(trial: TrialView, curves: TrialCurves, atMs: number): [name: string, lines: string][] {
  const series = (points: readonly (number | null)[]) => seriesText(atMs, points);
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

/** Lines of time, value and step. */
const seriesText = (atMs: number, points: readonly (number | null)[]): string =>
  points.map((value, step) => `${atMs} ${value ?? "nan"} ${step}\n`).join("");

const entryId = (of: string): string => sha256Hex(of).slice(0, 32);
const writeYaml = (path: string, value: unknown): Promise<void> => writeFile(path, stringify(value));
