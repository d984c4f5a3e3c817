/**
 * Drift verdict: which columns no longer look as they did at training.
 *
 * A check says drift only when the shift is both real and large:
 *
 *   real    q ≤ α, p-values adjusted (Benjamini–Hochberg) over all checks of all columns of the report; α = 0.01
 *   large   distribution    distance ≥ 0.08 or bias-corrected PSI ≥ 0.1
 *           missing         share differs by ≥ 0.08
 *           range           ≥ 0.02 of the values more than expected lie outside the frozen range
 *           categories      ≥ 0.02 of the rows more than expected are of categories never seen
 *           reconstruction  mean error differs by ≥ 0.25 deviations of a row's error
 *
 * Significance alone alarms on every trifle once there are many rows, and on any machine whose rows resemble each other;
 * size alone alarms by chance when there are few. Below `minRows` (500) there is no verdict but "insufficient_data".
 * Without any drift the chance that a report says drift is at most α, whatever the number of columns. Simulated by
 * `npm run bench -- drift`: at most 1 % false alarms a check, at least 95 % power for a mean shift of 0.3 σ in 2,000 rows.
 *
 * Rows of one asset are not independent: ten engines of FD001 "drift" from their own fleet when 2,000 rows count as 2,000.
 * Give the asset of each row (`groups`, here and when freezing) wherever there are assets: each column's rows then count by
 * how much they differ within an asset, as the window shows it or, where it shows less, as training did. That enters
 * significance, never size.
 */
import { indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import { requireInRange, requireInteger } from "../stats/checked-array.ts";
import { reconstructionShift } from "./checks/reconstruction.ts";
import type { ReconstructionShift } from "./checks/reconstruction.ts";
import { categoricalChecks, numericChecks } from "./feature-checks.ts";
import type {
  CheckName,
  CheckOutcome,
  ColumnContext,
  ColumnShares,
  ColumnShift,
  ColumnStatistics,
  EffectLimits,
} from "./feature-checks.ts";
import { columnIndependence, requireTable } from "./reference.ts";
import type { ColumnRole, DriftColumn, DriftReference, FeatureReference } from "./reference.ts";
import type { RowGroups } from "./statistics/independence.ts";
import { adjustPValues } from "./statistics/false-discovery.ts";

/** "ok" and "drift" are verdicts; "insufficient_data" says that there is none. */
export type DriftState = "ok" | "drift" | "insufficient_data";
/** "not_available": the reference does not hold what the check needs, or there are too few values for it. */
export type CheckState = DriftState | "not_available";

/** When a shift counts; limits of effects as in the header. */
export interface DriftOptions extends Partial<EffectLimits> {
  /** rows needed on each side, ≥ 1; default 500 */
  readonly minRows?: number;
  /** false discovery rate α in (0, 1); default 0.01 */
  readonly alpha?: number;
  /** asset id per live row; default: every row is independent */
  readonly groups?: ArrayLike<GroupId>;
}

/** Name under which the reconstruction error is listed among what has drifted; no column may have it. */
export const RECONSTRUCTION = "\u2192 reconstruction";

/** One check, judged. `effect`, `p` and `q` are null where it was not available. */
export interface DriftCheck {
  readonly check: CheckName;
  readonly state: CheckState;
  readonly n: number;
  readonly effect: number | null;
  readonly p: number | null;
  /** p adjusted over all checks of this report */
  readonly q: number | null;
  /** why it was not available */
  readonly unavailable?: string;
}

/** What was found for one column. */
export interface FeatureDrift {
  readonly name: string;
  readonly kind: "numeric" | "categorical";
  readonly role: ColumnRole;
  /** live rows, and of them missing */
  readonly n: number;
  readonly missing: number;
  readonly psi: number;
  readonly psiNullMean: number;
  readonly psiCorrected: number;
  /** rows that count as independent */
  readonly nIndependent: number;
  readonly state: DriftState;
  /** the check that the next three are of: the surest that says drift, else the first that could be asked */
  readonly check: CheckName;
  readonly effect: number;
  readonly p: number;
  readonly q: number;
  readonly checks: readonly DriftCheck[];
  readonly statistics: ColumnStatistics;
  readonly shares: ColumnShares | null;
}

/** The multivariate check. */
export interface ReconstructionDrift extends DriftCheck {
  readonly meanError: number | null;
  readonly meanErrorReference: number | null;
  readonly nComponents: number | null;
}

/** The verdict over all columns. Plain JSON. */
export interface DriftReport {
  readonly kind: "aura.drift/2";
  readonly state: DriftState;
  readonly nRows: number;
  readonly nReferenceRows: number;
  /** columns that drift, and 1 for the reconstruction error */
  readonly nDrifted: number;
  /** in the order of the reference */
  readonly features: readonly FeatureDrift[];
  readonly reconstruction: ReconstructionDrift;
  /** one sentence for people */
  readonly reason: string;
}

/**
 * Compare live rows with the frozen reference.
 *
 * @param reference frozen with the model version
 * @param columns   live columns; must hold every column of the reference, others are ignored
 * @returns the report; with too few rows on either side every state is "insufficient_data"
 * @throws {RangeError} when a column is absent or of another kind, a value is infinite, or an option is out of range
 *
 * Cost: O(n) per column, and n d k for the reconstruction from k components. Deterministic.
 */
export function compareWithReference(
  reference: DriftReference,
  columns: readonly DriftColumn[],
  options: DriftOptions = {},
): DriftReport {
  const settings = requireSettings(options);
  const nRows = requireTable(columns);
  const isEnough = nRows >= settings.minRows && reference.nRows >= settings.minRows;
  const groups = options.groups === undefined ? undefined : indexGroups(options.groups);
  const byName = new Map(columns.map((column) => [column.name, column]));
  const found = reference.features.map((feature) => {
    const column = requireColumn(feature, byName.get(feature.name));
    const { ratio } = columnIndependence(column, groups, feature.intraclass);
    return { feature, ratio, shift: shiftOf(feature, column, { ratio, limits: settings }) };
  });
  const together = togetherOf(reference, byName, groups);
  const wholeOutcome = outcomeOf(together, settings);
  const judge = judgeOver(
    [...found.flatMap(({ shift }) => shift.outcomes), wholeOutcome],
    settings,
    isEnough,
  );
  const features = found.map(({ feature, ratio, shift }) => ({
    name: feature.name,
    kind: feature.kind,
    role: feature.role,
    n: nRows,
    missing: shift.missing,
    psi: shift.stability.psi,
    psiNullMean: shift.stability.nullMean,
    psiCorrected: shift.stability.corrected,
    nIndependent: nRows * ratio,
    ...summaryOf(shift.outcomes, judge, isEnough),
    statistics: shift.statistics,
    shares: shift.shares,
  }));
  const reconstruction = {
    ...judge(wholeOutcome),
    meanError: together?.meanError ?? null,
    meanErrorReference: reference.reconstruction?.meanError ?? null,
    nComponents: reference.reconstruction?.nComponents ?? null,
  };
  const nDrifted = [...features, reconstruction].filter(({ state }) => state === "drift").length;
  const state = !isEnough ? "insufficient_data" : nDrifted > 0 ? "drift" : "ok";
  const report = { nRows, nReferenceRows: reference.nRows, nDrifted, features, reconstruction };
  return { kind: "aura.drift/2", state, ...report, reason: reasonOf(state, report, settings.minRows) };
}

/** Names of what has drifted in a report, the reconstruction error among them. */
export function driftedNames(report: {
  readonly features: readonly { readonly name: string; readonly state: string }[];
  readonly reconstruction: { readonly state: string };
}): string[] {
  const names = report.features.filter(({ state }) => state === "drift").map(({ name }) => name);
  return report.reconstruction.state === "drift" ? [...names, RECONSTRUCTION] : names;
}

type Settings = Required<Omit<DriftOptions, "groups">>;
type Judge = (outcome: CheckOutcome) => DriftCheck;

/** Columns named in the sentence for people. */
const MAX_NAMED = 3;

function requireSettings(options: DriftOptions): Settings {
  const settings = {
    minRows: options.minRows ?? 500,
    alpha: options.alpha ?? 0.01,
    minEffect: options.minEffect ?? 0.08,
    minPsi: options.minPsi ?? 0.1,
    minOutside: options.minOutside ?? 0.02,
    minUnseen: options.minUnseen ?? 0.02,
    minReconstruction: options.minReconstruction ?? 0.25,
  };
  requireInteger("minRows", settings.minRows, [1, 1e9]);
  requireInRange("alpha", settings.alpha, [Number.MIN_VALUE, 1 - Number.EPSILON]);
  for (const name of ["minEffect", "minOutside", "minUnseen"] as const) {
    requireInRange(name, settings[name], [Number.MIN_VALUE, 1]);
  }
  for (const name of ["minPsi", "minReconstruction"] as const) {
    requireInRange(name, settings[name], [Number.MIN_VALUE, Number.MAX_VALUE]);
  }
  return settings;
}

function requireColumn(feature: FeatureReference, column: DriftColumn | undefined): DriftColumn {
  if (column === undefined) throw new RangeError(`live rows lack the feature ${feature.name}`);
  if (column.kind === feature.kind) return column;
  throw new RangeError(`feature ${feature.name} must be ${feature.kind}, got ${column.kind}`);
}

function shiftOf(feature: FeatureReference, column: DriftColumn, context: ColumnContext): ColumnShift {
  if (feature.kind === "numeric" && column.kind === "numeric") {
    return numericChecks(feature, column.values, context);
  }
  if (feature.kind === "categorical" && column.kind === "categorical") {
    const { isUnseenMissing = false } = column;
    return categoricalChecks(feature, column.values, { ...context, isUnseenMissing });
  }
  throw new TypeError(`feature ${feature.name} has kind ${feature.kind}, live column ${column.kind}`);
}

function togetherOf(
  { reconstruction }: DriftReference,
  byName: ReadonlyMap<string, DriftColumn>,
  groups: RowGroups | undefined,
): ReconstructionShift | null {
  if (reconstruction === null) return null;
  const columns = new Map<string, ArrayLike<number>>();
  for (const column of byName.values())
    if (column.kind === "numeric") columns.set(column.name, column.values);
  const nRows = columns.get(reconstruction.columns[0])?.length ?? 0;
  return nRows === 0 ? null : reconstructionShift(reconstruction, columns, groups);
}

function outcomeOf(shift: ReconstructionShift | null, limits: EffectLimits): CheckOutcome {
  const check = "reconstruction";
  if (shift === null) {
    const unavailable = "the reference holds no pattern of the columns, or there is no row";
    return { check, n: 0, effect: null, size: 0, pValue: 1, unavailable };
  }
  const size = Math.abs(shift.effect) / limits.minReconstruction;
  return { check, n: shift.n, effect: shift.effect, size, pValue: shift.pValue };
}

/** Adjusts over all checks that could be asked, and says of each what it comes to. */
function judgeOver(outcomes: readonly CheckOutcome[], settings: Settings, isEnough: boolean): Judge {
  const asked = outcomes.filter(({ unavailable }) => unavailable === undefined);
  const q = adjustPValues(asked.map(({ pValue }) => pValue));
  const qOf = new Map(asked.map((outcome, i) => [outcome, q[i]]));
  return (outcome) => {
    const { check, n, effect, unavailable } = outcome;
    const adjusted = qOf.get(outcome);
    if (adjusted === undefined) {
      const why = unavailable === undefined ? {} : { unavailable };
      return { check, state: "not_available", n, effect: null, p: null, q: null, ...why };
    }
    const isDrift = adjusted <= settings.alpha && outcome.size >= 1;
    const state = !isEnough ? "insufficient_data" : isDrift ? "drift" : "ok";
    return { check, state, n, effect, p: outcome.pValue, q: adjusted };
  };
}

/** The column's checks, and the one that decides. */
function summaryOf(
  outcomes: readonly CheckOutcome[],
  judge: Judge,
  isEnough: boolean,
): Pick<FeatureDrift, "state" | "check" | "effect" | "p" | "q" | "checks"> {
  const judged = outcomes.map((outcome) => ({ outcome, check: judge(outcome) }));
  const drifted = judged.filter(({ check }) => check.state === "drift");
  const surest = drifted.toSorted(
    (a, b) => a.outcome.pValue - b.outcome.pValue || b.outcome.size - a.outcome.size,
  );
  const decisive = surest[0] ?? judged.find(({ check }) => check.state !== "not_available") ?? judged[0];
  const { check, state, effect, p, q } = decisive.check;
  return {
    state: !isEnough ? "insufficient_data" : state === "drift" ? "drift" : "ok",
    check,
    effect: effect ?? 0,
    p: p ?? 1,
    q: q ?? 1,
    checks: judged.map((entry) => entry.check),
  };
}

function reasonOf(
  state: DriftState,
  report: Omit<DriftReport, "kind" | "state" | "reason">,
  minRows: number,
): string {
  const { nRows, nReferenceRows, features, reconstruction } = report;
  if (state === "insufficient_data") {
    return `A verdict needs ${minRows} rows on each side, got ${nRows} live and ${nReferenceRows} in the reference.`;
  }
  if (state === "ok") return `No feature has drifted over ${nRows} rows.`;
  const drifted = features.filter((feature) => feature.state === "drift");
  const worst = drifted.toSorted((a, b) => b.effect - a.effect).slice(0, MAX_NAMED);
  const named = worst.map(
    ({ name, check, effect }) =>
      `${name} (${check === "distribution" ? "" : `${check}, `}effect ${effect.toFixed(2)})`,
  );
  const more = drifted.length > worst.length ? ` and ${drifted.length - worst.length} more` : "";
  const error = reconstruction.effect ?? 0;
  const together =
    reconstruction.state === "drift"
      ? `the pattern of all columns (reconstruction error ${error > 0 ? "up" : "down"} by ${Math.abs(error).toFixed(2)} deviations)`
      : "";
  const parts = [named.join(", ") + more, together].filter((part) => part !== "");
  return `Drift over ${nRows} rows in ${parts.join(", and in ")}.`;
}
