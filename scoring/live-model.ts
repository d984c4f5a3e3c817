import type { FeatureView } from "../features/feature-view.ts";
import type { AssetContext } from "../features/online.ts";
import type { FittedState } from "../schemas/data/feature-set.ts";
import type { OnlineSettings } from "../schemas/pipeline/online.ts";
import type { Binding } from "./binding.ts";

/** A champion and the live source that feeds it. */
export interface LiveModel {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly view: FeatureView;
  readonly fitted: FittedState;
  readonly binding: Binding;
  readonly online: OnlineSettings;
  /** Brought by a rollout: kept up to date, and scored with its champion alone. */
  readonly isBeside?: true;
  /** The dataset whose events and attributes it sees. */
  readonly dataset?: string;
  /** Events and attributes of an asset, as the platform knows them. */
  contextOf(asset: string): AssetContext;
}
