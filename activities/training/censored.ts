import { timeUnitsPer } from "../../features/labels/label-plan.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import type { Censored } from "../../schemas/runs/censored.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";

/** Whether a candidate learns from lives of which only a lower bound is known; all others learn from known ones alone. */
export function takesCensored(candidate: Candidate | null): boolean {
  if (candidate?.kind !== "gbdt") return false;
  const { objective = "auto" } = candidate.params;
  return objective === "auto" || objective === "censoredNormal";
}

/** Rows of assets that had not failed when they were last seen. */
export function isCensored({ y, yLeast }: Pick<FeatureTable, "y" | "yLeast">): (row: number) => boolean {
  return (row) => Number.isNaN(y[row]) && !Number.isNaN(yLeast[row]);
}

/** Targets of which some are lower bounds. */
export interface CensoredValues {
  /** Float64Array (nRows): the label, or what it exceeds; NaN = unlabelled. */
  readonly values: Float64Array;
  /** Uint8Array (nRows): 1 where it is what the label exceeds. */
  readonly censored: Uint8Array;
}

/**
 * Labels, and bounds where there is none. Before a holdout by time only what was known when it began is learnt: that an
 * asset was seen later is held-out knowledge.
 *
 * @returns undefined where no row is censored
 */
export function censoredValues(
  table: Pick<FeatureTable, "y" | "yLeast" | "t">,
  { pipeline, split }: { readonly pipeline: Pipeline; readonly split: Pick<SplitDocument, "holdoutFrom"> },
): CensoredValues | undefined {
  const isBound = isCensored(table);
  const censored = Uint8Array.from(table.y, (_, row) => (isBound(row) ? 1 : 0));
  if (!censored.includes(1)) return undefined;
  const { holdoutFrom = Number.POSITIVE_INFINITY } = split;
  const unit = timeUnitsPer(timeKindOf(pipeline));
  const values = table.y.map((known, row) => {
    if (censored[row] === 0) return known;
    const t = table.t[row] as number;
    const least = table.yLeast[row] as number;
    return t < holdoutFrom ? Math.min(least, (holdoutFrom - t) / unit) : least;
  });
  return { values, censored };
}

/** Counts for people; undefined where nothing is censored. */
export function countCensored(
  table: Pick<FeatureTable, "y" | "yRaw" | "yLeast" | "assetCodes">,
  given: {
    readonly rows: { readonly train: Int32Array; readonly test: Int32Array };
    readonly censored: { readonly train: Int32Array; readonly test: Int32Array };
    readonly candidates: readonly { readonly name: string; readonly candidate: Candidate }[];
  },
): Censored | undefined {
  const isAtCap = (row: number) => !Number.isNaN(table.y[row]) && Number.isNaN(table.yRaw[row]);
  const count = (side: "train" | "test"): Censored["train"] => {
    const atCap = given.rows[side].filter(isAtCap);
    const bounds = given.censored[side];
    const assets = new Set([...bounds, ...atCap].map((row) => table.assetCodes[row]));
    return { rows: bounds.length, atCap: atCap.length, assets: assets.size };
  };
  const [train, test] = [count("train"), count("test")];
  if (train.assets + test.assets === 0) return undefined;
  const names = (takes: boolean) =>
    given.candidates.filter(({ candidate }) => takesCensored(candidate) === takes).map(({ name }) => name);
  return { train, test, usedBy: names(true), leftOutBy: names(false) };
}
