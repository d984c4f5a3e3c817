import type { FeatureSpec } from "../schemas/data/feature-set.ts";
import type { OperatorName } from "../schemas/pipeline/features.ts";
import type { Column, ColumnType, SourceTime } from "../schemas/pipeline/source.ts";
import { hashOf } from "../schemas/canonical-json.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { LabelPlan } from "./labels/label-plan.ts";

/** A stored column a view reads. */
export interface ViewColumn {
  readonly name: string;
  readonly physical: string;
  readonly type: ColumnType;
  readonly unit?: string;
}

/** How a source writes its times, as declared; what a client sends is read the same way. */
export type ViewTime = Pick<SourceTime, "timezone" | "format" | "epochUnit">;

/** What ingest asks of a column's values beyond their type; a reading that fails is left out online as well. */
export type ViewCheck = Pick<Column, "name" | "type" | "unit" | "range" | "values"> & {
  /** A reading without the value is refused. */
  readonly isRequired?: true;
};

/** A column computed from columns, before regimes and operators. */
export interface DerivedColumn {
  readonly name: string;
  readonly formula: string;
  readonly unit?: string;
}

/** One concrete feature with what its operator needs to compute it. */
export interface ViewFeature extends FeatureSpec {
  readonly operator: OperatorName;
  /** Plain JSON; its form belongs to the operator. */
  readonly args: object;
}

/**
 * The declared features and the label, resolved against one dataset schema: all that is needed to compute them,
 * offline or online, beside the fitted state. Plain JSON, stored as `view.json` in the model version.
 */
export interface FeatureView {
  readonly kind: "aura.view/1";
  /** `hashOf` everything else. */
  readonly hash: string;
  /** Name of the readings source. */
  readonly source: string;
  readonly hasAsset: boolean;
  readonly timeKind: "timestamp" | "cycle" | "none";
  /** By source, where time is a timestamp; absent in views stored before it was kept: only UTC is sure there. */
  readonly times?: Readonly<Record<string, ViewTime>>;
  /** Of columns of the readings, used by a feature or not; absent: none, or a view stored before they were kept. */
  readonly checks?: readonly ViewCheck[];
  readonly columns: readonly ViewColumn[];
  readonly derived: readonly DerivedColumn[];
  readonly regimes?: {
    readonly columns: readonly string[];
    readonly count: number;
    readonly normalize: readonly string[];
  };
  readonly features: readonly ViewFeature[];
  readonly label: LabelPlan;
  /** Column of the readings that says how much a row counts in learning; absent: all count alike. */
  readonly weight?: { readonly physical: string };
}

/** The features in the form other rooms use: name, physical name, kind, unit. */
export function featureSpecs(view: FeatureView): FeatureSpec[] {
  return view.features.map(({ name, physical, kind, unit }) => ({
    name,
    physical,
    kind,
    ...(unit === undefined ? {} : { unit }),
  }));
}

/** Adds the hash to a view. */
export function sealView(view: Omit<FeatureView, "hash">): FeatureView {
  return { ...view, hash: hashOf(view) };
}

/**
 * Reads a stored `view.json`.
 *
 * @throws {PlatformError} integrity: not a view, or its hash does not fit its content
 */
export function parseView(text: string): FeatureView {
  const value = JSON.parse(text) as FeatureView;
  const { hash, ...content } = value;
  if (content.kind !== "aura.view/1" || hashOf(content) !== hash)
    throw new PlatformError("integrity", `feature view [${hash}]: the content does not match its hash`);
  return value;
}
