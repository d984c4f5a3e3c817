import { lifeTruth, saidTruth } from "../../features/labels/observed-truth.ts";
import type { LifeHistory, ObservedTruth } from "../../features/labels/observed-truth.ts";
import type { AssetLabel, PredictionLabel, VersionPrediction } from "../../stores/postgres/port.ts";
import type { JudgedVersion } from "./judged-version.ts";

const UNKNOWN: ObservedTruth = { y: Number.NaN, raw: Number.NaN, least: Number.NaN };

/** Labels of a window, ready to be asked for one prediction after the other. */
export interface KnownLabels {
  readonly ofAssets: readonly AssetLabel[];
  readonly ofPredictions: readonly PredictionLabel[];
}

/** The truth of predictions, each by its own time: what was said of it, else what happened to its asset. */
export function truthReader(
  version: Pick<JudgedVersion, "view" | "signature" | "pipeline">,
  labels: KnownLabels,
): (prediction: Pick<VersionPrediction, "predictionId" | "asset" | "t">) => ObservedTruth {
  const ofPrediction = saidOfPredictions(version, labels.ofPredictions);
  const ofAsset =
    version.view.label.kind === "column"
      ? saidOfAssets(version, labels.ofAssets)
      : livesOf(version, labels.ofAssets);
  return (prediction) => {
    const said = ofPrediction.get(prediction.predictionId);
    if (said !== undefined) return said;
    const { asset, t } = prediction;
    return asset === null || t === null ? UNKNOWN : ofAsset(asset, t);
  };
}

type Said = Pick<AssetLabel, "kind" | "column" | "value">;

/** Whether a label answers the question of this version. */
function answers(
  { pipeline, view }: Pick<JudgedVersion, "pipeline" | "view">,
  { kind, column, value }: Said,
): boolean {
  const { label } = pipeline;
  if ((kind !== "class" && kind !== "value") || value === null) return false;
  if (column !== null && !(label.kind === "column" && column === label.column)) return false;
  const isNumber =
    view.label.kind === "column" ? view.label.target === "number" : pipeline.task.kind === "rul";
  return isNumber === (kind === "value");
}

/** What people say of one prediction: the class or the number itself, or whether it came true. */
function saidOfPredictions(
  version: Pick<JudgedVersion, "view" | "signature" | "pipeline">,
  labels: readonly PredictionLabel[],
): Map<string, ObservedTruth> {
  const truths = new Map<string, ObservedTruth>();
  for (const label of labels) {
    if (!answers(version, label) || label.value === null) continue;
    const y = saidOfPrediction(version, label.value);
    if (!Number.isNaN(y.y)) truths.set(label.predictionId, y);
  }
  return truths;
}

function saidOfPrediction(
  { view, signature }: Pick<JudgedVersion, "view" | "signature">,
  value: string | number,
): ObservedTruth {
  const { label } = view;
  const { classLabels = [], cap } = signature.output;
  if (label.kind === "column") {
    // Whether it came true, where no class is itself called 0 or 1.
    const isYesNo = label.positive !== undefined && !/^[01]$/.test(String(label.positive));
    const y = isYesNo && (value === 0 || value === 1) ? value : saidTruth(label, value, classLabels);
    return { y, raw: y, least: Number.NaN };
  }
  if (typeof value !== "number") return UNKNOWN;
  if (signature.task === "rul")
    return { y: cap === undefined ? value : Math.min(value, cap), raw: value, least: Number.NaN };
  return value === 0 || value === 1 ? { y: value, raw: value, least: Number.NaN } : UNKNOWN;
}

/** Of a label column: what was said of the asset at exactly that time. */
function saidOfAssets(
  version: Pick<JudgedVersion, "view" | "signature" | "pipeline">,
  labels: readonly AssetLabel[],
): (asset: string, t: number) => ObservedTruth {
  const { label } = version.view;
  const classLabels = version.signature.output.classLabels ?? [];
  const truths = new Map<string, ObservedTruth>();
  for (const one of labels) {
    if (label.kind !== "column" || !answers(version, one) || one.value === null) continue;
    const y = saidTruth(label, one.value, classLabels);
    truths.set(placeOf(one.asset, one.t), { y, raw: y, least: Number.NaN });
  }
  return (asset, t) => truths.get(placeOf(asset, t)) ?? UNKNOWN;
}

const placeOf = (asset: string, t: number): string => `${t} ${asset}`;

/** Of a time to failure: what happened to the asset from then on. */
function livesOf(
  { view }: Pick<JudgedVersion, "view">,
  labels: readonly AssetLabel[],
): (asset: string, t: number) => ObservedTruth {
  const { label, timeKind } = view;
  if (label.kind !== "events" && label.kind !== "end_of_life") return () => UNKNOWN;
  const lives = new Map<string, { failures: number[]; replacements: number[]; lastSeen: number }>();
  for (const { asset, kind, t } of labels) {
    let life = lives.get(asset);
    if (life === undefined)
      lives.set(asset, (life = { failures: [], replacements: [], lastSeen: -Infinity }));
    // In order of time already.
    if (kind === "failure") life.failures.push(t);
    else if (kind === "replacement") life.replacements.push(t);
    else if (kind === "event_free") life.lastSeen = Math.max(life.lastSeen, t);
  }
  return (asset, t) => {
    const history: LifeHistory | undefined = lives.get(asset);
    return history === undefined ? UNKNOWN : lifeTruth(label, { history, t }, timeKind);
  };
}
