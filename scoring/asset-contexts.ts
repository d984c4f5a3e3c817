import type { LiveEvent } from "../features/event-filter.ts";
import type { FeatureView } from "../features/feature-view.ts";
import type { AssetContext, LiveValue } from "../features/online.ts";
import type { ResultTable, SqlEngine } from "../features/sql-engine.ts";
import { otherSourcesOf } from "../features/view-inputs.ts";
import type { DatasetManifest, DatasetSource } from "../schemas/data/dataset.ts";
import { quoteIdentifier } from "../schemas/text/sql-quoting.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { DatasetStore } from "../stores/postgres/port.ts";
import type { OnlineStore } from "../stores/postgres/port/online.ts";

export interface AssetContextsOptions {
  readonly online: Pick<OnlineStore, "latestDataset">;
  readonly datasets: Pick<DatasetStore, "get">;
  readonly objects: Pick<ObjectStore, "fetch">;
  /** Opened with the first view that has events or attributes. */
  readonly openDuckDb: () => Promise<Pick<SqlEngine, "columns" | "parquet">>;
}

/** What is known of all assets beside their readings. */
export interface AssetContextSet {
  /** Changes when what is known does. */
  readonly id: string;
  readonly dataset?: string;
  of(asset: string): AssetContext;
}

const NONE: AssetContextSet = { id: "none", of: () => ({}) };

/** Events and attributes of the newest dataset of a pipeline, for features of its live readings. */
export class AssetContexts {
  readonly #options: AssetContextsOptions;
  readonly #sets = new Map<string, Promise<AssetContextSet>>();

  constructor(options: AssetContextsOptions) {
    this.#options = options;
  }

  /** @throws {PlatformError} what the stores throw */
  async open(view: FeatureView, pipeline: string): Promise<AssetContextSet> {
    const names = otherSourcesOf(view);
    if (names.length === 0) return NONE;
    const dataset = await this.#options.online.latestDataset(pipeline);
    if (dataset === undefined) return NONE;
    const id = `${dataset}/${view.hash}`;
    let set = this.#sets.get(id);
    if (set === undefined) {
      set = this.#load(id, dataset, names);
      this.#sets.clear();
      this.#sets.set(id, set);
      set.catch(() => this.#sets.delete(id));
    }
    return set;
  }

  async #load(id: string, dataset: string, names: readonly string[]): Promise<AssetContextSet> {
    const entry = await this.#options.datasets.get(dataset);
    if (entry === undefined) return NONE;
    const tables = new Map<string, SourceRows>();
    for (const name of names) {
      const source = sourceOf(entry.manifest, name);
      if (source !== undefined) tables.set(name, await this.#read(source));
    }
    return { id, dataset, of: (asset) => contextOf(tables, asset) };
  }

  async #read(source: DatasetSource): Promise<SourceRows> {
    const duckdb = await this.#options.openDuckDb();
    const paths: string[] = [];
    for (const part of source.parts) paths.push(await this.#options.objects.fetch(part.object));
    if (paths.length === 0) return { role: source.role, byAsset: new Map() };
    const columns = source.columns.map(({ physical }) => quoteIdentifier(physical));
    const table = await duckdb.columns(
      `SELECT ${["__asset", "__t", ...columns].join(", ")} FROM ${await duckdb.parquet(paths)} ORDER BY __asset, __t, __seq`,
    );
    return rowsByAsset(source, table);
  }
}

interface SourceRows {
  readonly role: DatasetSource["role"];
  /** Under the empty id: events of every asset. */
  readonly byAsset: ReadonlyMap<string, readonly LiveEvent[]>;
}

function sourceOf(manifest: DatasetManifest, name: string): DatasetSource | undefined {
  return Object.hasOwn(manifest.sources, name) ? manifest.sources[name] : undefined;
}

function rowsByAsset(source: DatasetSource, table: ResultTable): SourceRows {
  const byAsset = new Map<string, LiveEvent[]>();
  const ids = table.columns["__asset"] ?? [];
  const times = table.columns["__t"] ?? [];
  for (let i = 0; i < table.nRows; i++) {
    const values: Record<string, LiveValue> = Object.create(null) as Record<string, LiveValue>;
    for (const { name, physical, type } of source.columns) {
      const value = table.columns[physical]?.[i] ?? null;
      const number = typeof value === "bigint" ? Number(value) : value;
      values[name] = typeof number === "number" && (Number.isNaN(number) || type === "text") ? null : number;
    }
    const asset = source.hasAsset ? String(ids[i]) : "";
    const rows = byAsset.get(asset);
    const row = { t: Number(times[i]), values };
    if (rows === undefined) byAsset.set(asset, [row]);
    else rows.push(row);
  }
  return { role: source.role, byAsset };
}

function contextOf(tables: ReadonlyMap<string, SourceRows>, asset: string): AssetContext {
  const events: Record<string, readonly LiveEvent[]> = {};
  const attributes: Record<string, Readonly<Record<string, LiveValue>>> = {};
  for (const [name, { role, byAsset }] of tables) {
    const rows = byAsset.get(asset) ?? byAsset.get("") ?? [];
    if (role === "events") events[name] = rows;
    // Of several rows of one asset the last one counts.
    else attributes[name] = rows.at(-1)?.values ?? {};
  }
  return { events, attributes };
}
