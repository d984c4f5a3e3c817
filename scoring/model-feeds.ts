import type { FeatureView } from "../features/feature-view.ts";
import { otherSourcesOf } from "../features/view-inputs.ts";
import { readingsSource } from "../features/view.ts";
import { canonicalJson } from "../schemas/canonical-json.ts";
import type { FeatureFeed } from "../schemas/live/online-features.ts";
import type { FittedState } from "../schemas/data/feature-set.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import type { Pipeline } from "../schemas/pipeline/pipeline.ts";
import { parsePipeline } from "../schemas/pipeline/parse.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import type { LiveSourceStore } from "../stores/postgres/port/live.ts";
import type { OnlineStore } from "../stores/postgres/port/online.ts";
import { bindSource } from "./binding.ts";
import type { AssetContexts } from "./asset-contexts.ts";
import type { LiveModel } from "./live-model.ts";

/** A version that serves, as far as its features are concerned. */
export interface ServedView {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly view: FeatureView;
  readonly fitted: FittedState;
  /** Brought by a rollout, with features other than the champion's. */
  readonly isBeside?: boolean;
}

export interface ModelFeedsOptions {
  readonly served: () => readonly ServedView[];
  readonly online: Pick<OnlineStore, "pipelineOf">;
  readonly sources: Pick<LiveSourceStore, "get">;
  readonly contexts: Pick<AssetContexts, "open">;
  /** A champion whose pipeline file names its live source is not fed, and why; undefined: it is. Told once for each change. */
  readonly onChange?: (version: ServedView, problem: PlatformError | undefined) => void;
}

interface Feed {
  /** Everything it was made of. */
  readonly key: string;
  readonly live: LiveModel;
}

/** Which champions are fed by which live sources. */
export class ModelFeeds {
  readonly #options: ModelFeedsOptions;
  readonly #feeds = new Map<string, Feed>();
  readonly #problems = new Map<string, PlatformError>();
  /** Models whose pipeline file names a live source: these are meant to be fed. */
  readonly #meant = new Set<string>();
  readonly #told = new Map<string, string>();

  constructor(options: ModelFeedsOptions) {
    this.#options = options;
  }

  /** Models that are fed; one that did not change stays the same object. */
  list(): readonly LiveModel[] {
    return [...this.#feeds.values()].map(({ live }) => live);
  }

  /** Every champion: what feeds it, or why nothing does. */
  report(): FeatureFeed[] {
    const champions = this.#options.served().filter(({ isBeside }) => isBeside !== true);
    return champions.map(({ model, version, view }) => {
      const live = this.#feeds.get(model)?.live;
      const problem = live === undefined ? this.#problems.get(model) : undefined;
      return {
        model,
        version,
        source: live?.binding.source ?? null,
        problem: problem === undefined ? null : { code: problem.code, message: problem.message },
        features: view.features.length,
        beside: otherSourcesOf(view),
        dataset: live?.dataset ?? null,
        ttlSeconds: live === undefined ? null : live.online.ttlMs / 1_000,
        policy: live?.online.policy ?? null,
      };
    });
  }

  /**
   * @param digest of a version beside the champion
   * @throws {PlatformError} no_champion; features_unbound: nothing feeds it, and why
   */
  find(model: string | undefined, digest?: string): LiveModel {
    const served = this.#options.served().filter(({ isBeside }) => isBeside !== true);
    const name = model ?? (served.length === 1 ? served[0]?.model : undefined);
    if (name === undefined)
      throw new PlatformError("invalid_query", "read features [model]: expected the name of a model");
    const isBeside = digest !== undefined && digest !== this.#feeds.get(name)?.live.digest;
    const place = isBeside ? placeOf({ model: name, digest, isBeside }) : name;
    const feed = this.#feeds.get(place);
    if (feed !== undefined) return feed.live;
    throw (
      this.#problems.get(place) ??
      new PlatformError("no_champion", `read features [model ${name}]: no version is served`)
    );
  }

  /**
   * Looks again at champions, pipelines and sources.
   *
   * @throws {PlatformError} database_unavailable; what was known stays
   */
  async refresh(): Promise<readonly LiveModel[]> {
    const served = this.#options.served();
    for (const version of served) {
      const place = placeOf(version);
      try {
        const feed = await this.#feed(version);
        this.#feeds.set(place, feed);
        this.#problems.delete(place);
      } catch (error) {
        if (!isPlatformError(error) || error.isRetryable) throw error;
        this.#feeds.delete(place);
        this.#problems.set(place, error);
      }
      if (version.isBeside !== true) this.#tell(version);
    }
    const places = new Set(served.map(placeOf));
    for (const place of this.#feeds.keys()) if (!places.has(place)) this.#feeds.delete(place);
    for (const place of this.#problems.keys()) if (!places.has(place)) this.#problems.delete(place);
    return this.list();
  }

  #tell(version: ServedView): void {
    const { model } = version;
    const problem = this.#meant.has(model) ? this.#problems.get(model) : undefined;
    const told = problem?.message ?? "";
    if (this.#told.get(model) === told) return;
    this.#told.set(model, told);
    this.#options.onChange?.(version, problem);
  }

  async #feed(version: ServedView): Promise<Feed> {
    const { online, sources, contexts } = this.#options;
    const { model, digest, view, fitted } = version;
    const file = await online.pipelineOf(model);
    const pipeline = file === undefined ? undefined : pipelineIn(file.text);
    const named = pipeline?.sources[readingsSource(pipeline)]?.live;
    if (named === undefined) this.#meant.delete(model);
    else this.#meant.add(model);
    const name = named ?? file?.pipeline ?? model;
    const source = await sources.get(name);
    if (source === undefined)
      throw new PlatformError(
        "features_unbound",
        `feed features of ${model} [source ${name}]: there is no such live source`,
      );
    const settings = onlineSettings(pipeline?.online);
    const context = await contexts.open(view, file?.pipeline ?? model);
    const key = canonicalJson({ digest, source: source.sha256, settings, context: context.id });
    const known = this.#feeds.get(placeOf(version));
    if (known?.key === key) return known;
    const live: LiveModel = {
      model,
      version: version.version,
      digest,
      view,
      fitted,
      binding: bindSource(view, source),
      online: settings,
      ...(version.isBeside === true ? { isBeside: true } : {}),
      ...(context.dataset === undefined ? {} : { dataset: context.dataset }),
      contextOf: (asset) => context.of(asset),
    };
    return { key, live };
  }
}

/** A champion is found by its model; names have no blanks. */
function placeOf({ model, digest, isBeside }: Pick<ServedView, "model" | "digest" | "isBeside">): string {
  return isBeside === true ? `${model} ${digest}` : model;
}

/** A file that an earlier release took may not be one of this release's. */
function pipelineIn(text: string): Pipeline | undefined {
  try {
    return parsePipeline(text, "pipeline.yaml").pipeline;
  } catch (error) {
    if (isPlatformError(error)) return undefined;
    throw error;
  }
}
