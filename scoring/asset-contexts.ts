import type { LiveEvent } from "../features/event-filter.ts";
import type { FeatureView } from "../features/feature-view.ts";
import type { AssetContext, LiveValue } from "../features/online.ts";
import type { ResultTable, SqlEngine } from "../features/sql-engine.ts";
import { otherSourcesOf } from "../features/view-inputs.ts";
import type { DatasetManifest, DatasetSource } from "../schemas/data/dataset.ts";
import { quoteIdentifier } from "../schemas/text/sql-quoting.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { DatasetStore } from "../stores/postgres/port.ts";
import type { OnlineStore, RegisteredAttributes } from "../stores/postgres/port/online.ts";

export interface AssetContextsOptions {
  readonly online: Pick<OnlineStore, "latestDataset" | "registered">;
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

/** Beyond these the oldest go: views of versions that no longer serve. */
const MOST_SETS = 64;
/** The register is looked at again this often, for views that use attributes. */
const REGISTER_EVERY_MS = 10_000;
const EMPTY_REGISTER: RegisteredAttributes = { fingerprint: "", byAsset: new Map() };

/**
 * Events and attributes of the newest dataset of a pipeline, for features of its live readings. An asset that has no row among
 * its attributes, as it is newer than the dataset, has those that were entered with it in the register.
 */
export class AssetContexts {
  readonly #options: AssetContextsOptions;
  #register = EMPTY_REGISTER;
  #lookedAt = -Infinity;
  /** By pipeline and view, the newest of each. */
  readonly #sets = new Map<string, { readonly id: string; readonly set: Promise<AssetContextSet> }>();

  constructor(options: AssetContextsOptions) {
    this.#options = options;
  }

  /** @throws {PlatformError} what the stores throw */
  async open(view: FeatureView, pipeline: string): Promise<AssetContextSet> {
    const names = otherSourcesOf(view);
    if (names.length === 0) return NONE;
    const dataset = await this.#options.online.latestDataset(pipeline);
    const attributes = attributesOf(view);
    const register = attributes.size === 0 ? EMPTY_REGISTER : await this.#registered();
    if (dataset === undefined && attributes.size === 0) return NONE;
    const id = `${dataset ?? "none"}/${view.hash}/${register.fingerprint}`;
    const place = `${pipeline}/${view.hash}`;
    const known = this.#sets.get(place);
    if (known?.id === id) return known.set;
    const set = this.#load(id, dataset, { names, register, attributes });
    this.#sets.delete(place);
    this.#sets.set(place, { id, set });
    const [oldest] = this.#sets.keys();
    if (this.#sets.size > MOST_SETS && oldest !== undefined) this.#sets.delete(oldest);
    set.catch(() => {
      if (this.#sets.get(place)?.set === set) this.#sets.delete(place);
    });
    return set;
  }

  async #registered(): Promise<RegisteredAttributes> {
    const now = performance.now();
    if (now - this.#lookedAt < REGISTER_EVERY_MS) return this.#register;
    this.#register = (await this.#options.online.registered(this.#register.fingerprint)) ?? this.#register;
    this.#lookedAt = now;
    return this.#register;
  }

  async #load(
    id: string,
    dataset: string | undefined,
    { names, register, attributes }: Beside,
  ): Promise<AssetContextSet> {
    const of = (tables: ReadonlyMap<string, SourceRows>) => (asset: string) =>
      withRegistered(contextOf(tables, asset), attributes, register.byAsset.get(asset));
    if (dataset === undefined) return { id, of: of(new Map()) };
    const entry = await this.#options.datasets.get(dataset);
    if (entry === undefined) return { id, of: of(new Map()) };
    const tables = new Map<string, SourceRows>();
    for (const name of names) {
      const source = sourceOf(entry.manifest, name);
      if (source !== undefined) tables.set(name, await this.#read(source));
    }
    return { id, dataset, of: of(tables) };
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

/** Columns that features use of sources of attributes, and whether they are texts. */
type UsedAttributes = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

interface Beside {
  readonly names: readonly string[];
  readonly register: RegisteredAttributes;
  readonly attributes: UsedAttributes;
}

function attributesOf({ features }: FeatureView): UsedAttributes {
  const used = new Map<string, Map<string, boolean>>();
  for (const { operator, args } of features) {
    if (operator !== "attribute") continue;
    const { source, column, isText } = args as { source: string; column: string; isText: boolean };
    used.set(source, (used.get(source) ?? new Map<string, boolean>()).set(column, isText));
  }
  return used;
}

/** What was entered of the asset, in the place of rows that the dataset does not have. A value of another type is none. */
function withRegistered(
  context: AssetContext,
  used: UsedAttributes,
  entered: Readonly<Record<string, unknown>> | undefined,
): AssetContext {
  if (entered === undefined) return context;
  const attributes: Record<string, Readonly<Record<string, LiveValue>>> = { ...context.attributes };
  for (const [source, columns] of used) {
    if (Object.hasOwn(attributes, source)) continue;
    const values: Record<string, LiveValue> = Object.create(null) as Record<string, LiveValue>;
    for (const [column, isText] of columns) {
      const value = Object.hasOwn(entered, column) ? entered[column] : null;
      const isOfType = isText
        ? typeof value === "string"
        : typeof value === "number" || typeof value === "boolean";
      values[column] = isOfType ? (value as LiveValue) : null;
    }
    attributes[source] = values;
  }
  return { ...context, attributes };
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
    // Of several rows of one asset the last one counts.
    const last = rows.at(-1);
    if (role === "events") events[name] = rows;
    else if (last !== undefined) attributes[name] = last.values;
  }
  return { events, attributes };
}
