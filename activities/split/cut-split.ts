import { groupKFold } from "../../numerics/splits/group-k-fold.ts";
import { chooseHoldout } from "../../numerics/splits/holdout.ts";
import { stratifiedGroupKFold, stratifiedKFold } from "../../numerics/splits/stratified-k-fold.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Holdout, Split } from "../../schemas/pipeline/training.ts";
import { DROPPED_FOLD, HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FrozenHoldout } from "./frozen-holdout.ts";

/** What is split: assets with their part and size, or rows of a plain table with their class. */
export interface SplitUnits {
  readonly unit: "asset" | "row";
  /** Asset ids; for rows their number as text. */
  readonly ids: readonly string[];
  readonly parts: readonly string[];
  /** Class index per unit: the class column of a plain table, or whether an asset ever failed. */
  readonly classes?: ArrayLike<number>;
  /** Quantiles of row times: `timeAt(share)` is the `__t` below which this share of the rows lies. */
  readonly timeAt: (share: number) => number;
  /** Span of a duration or count in the unit of `__t`. */
  readonly gap: number;
}

export interface CutOptions extends FrozenHoldout {
  readonly split: Split;
  /** The folds are cut by time, whoever the rows are of. */
  readonly areFoldsInTime?: boolean;
}

/**
 * Cuts the holdout first, then the folds over the rest. Depends on ids, classes and the seed, never on row order.
 *
 * @throws {PlatformError} not_enough_data when a side or a fold stays empty
 */
export function cutSplit(units: SplitUnits, options: CutOptions): SplitDocument {
  const { split } = options;
  const holdout = split.holdout ?? { by: units.unit, share: 0.2 };
  const held = heldUnits(units, holdout, options);
  const rest = units.ids.map((_, i) => i).filter((i) => held[i] === 0);
  if (rest.length === 0)
    throw new PlatformError("not_enough_data", "cut the split: nothing is left to train on");
  const folds = Array.from({ length: split.repeats }, (_, repeat) => {
    const assigned =
      options.areFoldsInTime === true
        ? new Int32Array(rest.length)
        : foldsOf(units, rest, { ...split, seed: split.seed + repeat });
    const all = Array.from<number>({ length: units.ids.length }).fill(HOLDOUT_FOLD);
    rest.forEach((unit, i) => (all[unit] = assigned[i] ?? DROPPED_FOLD));
    return all;
  });
  const ids = units.unit === "asset" ? [...units.ids] : [];
  return { kind: "aura.split/1", unit: units.unit, ids, folds, ...timeBounds(units, holdout, options) };
}

/** 1 for units that are held out whole. A holdout by time holds out rows and not units. */
function heldUnits(units: SplitUnits, holdout: Holdout, options: CutOptions): Uint8Array {
  const held = new Uint8Array(units.ids.length);
  switch (holdout.by) {
    case "time":
      return held;
    case "parts":
      units.parts.forEach((part, i) => {
        held[i] = holdout.parts.includes(part) || options.frozen.has(units.ids[i] as string) ? 1 : 0;
      });
      return held;
    case "asset":
    case "row":
      return holdShare(units, holdout.share, options);
  }
}

/** The frozen units plus a share of those never seen, class by class where there are classes. */
function holdShare(units: SplitUnits, share: number, options: CutOptions): Uint8Array {
  const { split, frozen, trainedBefore } = options;
  const { classes } = units;
  try {
    return chooseHoldout(units.ids, {
      share,
      seed: split.seed,
      kept: frozen,
      barred: trainedBefore,
      ...(split.stratify && classes !== undefined ? { classes } : {}),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `cut the holdout [share ${share} of ${units.ids.length} ${units.unit}s]: ${error.message}`;
    throw new PlatformError("not_enough_data", message, { cause: error });
  }
}

function foldsOf(units: SplitUnits, rest: readonly number[], split: Split): Int32Array {
  const ids = rest.map((i) => units.ids[i] as string);
  const options = { nFolds: split.folds, seed: split.seed };
  if (ids.length < split.folds) {
    throw new PlatformError(
      "not_enough_data",
      `cut the folds: expected at least ${split.folds} ${units.unit}s to train on, got ${ids.length}; ` +
        (units.unit === "asset"
          ? "use fewer folds, or cut one asset's readings in time: split.by: time, with split.holdout.by: time"
          : "use fewer folds, or add rows"),
    );
  }
  const { classes } = units;
  if (!split.stratify || classes === undefined) return groupKFold(ids, options);
  const labels = Float64Array.from(rest, (i) => classes[i] as number);
  // Of few assets that failed each fold gets its share, and some folds none where there are fewer of them than folds.
  if (units.unit === "asset") return stratifiedGroupKFold(labels, ids, options);
  try {
    return stratifiedKFold(labels, { ...options, keys: ids });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `cut the folds: ${error.message}; add rows of it, use fewer folds, or stratify: false`;
    throw new PlatformError("not_enough_data", message, { cause: error });
  }
}

function timeBounds(
  units: SplitUnits,
  holdout: Holdout,
  frozen: FrozenHoldout,
): Pick<SplitDocument, "holdoutFrom" | "gapFrom"> {
  if (holdout.by !== "time") return {};
  const holdoutFrom = frozen.holdoutFrom ?? units.timeAt(1 - holdout.share);
  return { holdoutFrom, gapFrom: holdoutFrom - units.gap };
}
