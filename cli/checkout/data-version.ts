import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { hashOf } from "../../schemas/canonical-json.ts";
import { dataIdRowSchema } from "../../schemas/data/data-diff.ts";
import type { DataKind } from "../../schemas/data/data-diff.ts";
import { dataPointerSchema, modelPointerSchema } from "../../schemas/data/data-pointer.ts";
import { datasetManifestSchema } from "../../schemas/data/dataset.ts";
import type { DatasetManifest, ParquetPart } from "../../schemas/data/dataset.ts";
import { featureSetManifestSchema } from "../../schemas/data/feature-set.ts";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { badFile } from "../../sources/files/bad-file.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";

/** One table of a version of data, as it is written to a folder. */
export interface DataTable {
  readonly name: string;
  /** Physical column → the name people know it by, in order. */
  readonly columns: readonly (readonly [physical: string, name: string])[];
  /** Whether `__t` is a time in microseconds and no cycle. */
  readonly isTimestamped: boolean;
  readonly parts: readonly ParquetPart[];
}

export interface DataVersion {
  readonly kind: DataKind;
  readonly id: string;
  readonly manifest: DatasetManifest | FeatureSetManifest;
  readonly tables: readonly DataTable[];
}

const datasetReply = z.looseObject({ manifest: datasetManifestSchema });
const featureSetReply = z.looseObject({ manifest: featureSetManifestSchema });

/**
 * A version of data by its id. The manifest must hash to that id, so that whoever has the id, from Git or from a colleague,
 * need not trust what answers.
 *
 * @throws {PlatformError} not_found; integrity: the manifest is another one
 */
export async function readDataVersion(client: ApiClient, id: string): Promise<DataVersion> {
  const dataset = await client.find(apiPath`/v1/datasets/${id}`, datasetReply);
  if (dataset !== null) {
    requireId(id, dataset.manifest);
    return { kind: "dataset", id, manifest: dataset.manifest, tables: tablesOfDataset(dataset.manifest) };
  }
  const set = await client.find(apiPath`/v1/feature-sets/${id}`, featureSetReply);
  if (set === null)
    throw new PlatformError("not_found", `read data [${id}]: neither a dataset nor a feature set`);
  requireId(id, set.manifest);
  return { kind: "features", id, manifest: set.manifest, tables: [tableOfFeatureSet(set.manifest)] };
}

function requireId(id: string, manifest: unknown): void {
  const got = hashOf(manifest);
  if (got === id) return;
  throw new PlatformError("integrity", `read data [${id}]: its manifest has another hash [${got}]`);
}

function tablesOfDataset({ sources }: DatasetManifest): DataTable[] {
  return Object.entries(sources).map(([name, { columns, timeKind, parts }]) => ({
    name,
    columns: columns.map((column) => [column.physical, column.name] as const),
    isTimestamped: timeKind === "timestamp",
    parts,
  }));
}

function tableOfFeatureSet({ features, parts }: FeatureSetManifest): DataTable {
  const columns = features.map(({ physical, name }) => [physical, name] as const);
  // A feature set does not say which kind of time it has; as stored it can be joined with its dataset.
  return { name: "features", columns: [["__y", "__y"], ...columns], isTimestamped: false, parts };
}

const SHA256 = /^[0-9a-f]{64}$/;
const PREFIX = /^[0-9a-f]{6,63}$/;
const foundSchema = z.strictObject({ items: z.array(dataIdRowSchema) });

/**
 * The id that was given, that a pointer file names, or that begins with what was given and is the only one.
 *
 * @throws {PlatformError} bad_file; not_found: none begins so; conflict: several do
 */
export async function idFrom(
  client: Pick<ApiClient, "get">,
  { given, path }: { readonly given: string; readonly path: string },
): Promise<string> {
  if (SHA256.test(given)) return given;
  if (!PREFIX.test(given) || existsSync(path)) return pointedId(given, path);
  const { items } = await client.get("/v1/data/ids", foundSchema, { prefix: given, limit: 5 });
  const [only, ...others] = items;
  if (only === undefined)
    throw new PlatformError("not_found", `read data [${given}]: no dataset or feature set begins so`);
  if (others.length === 0) return only.id;
  const names = items.map(({ kind, id, pipeline }) => `${id.slice(0, 16)} (${kind} of ${pipeline})`);
  throw new PlatformError("conflict", `read data [${given}]: several begin so: ${names.join(", ")}`);
}

function pointedId(given: string, path: string): string {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    const expected = "an id, its first 6 digits or more, or a pointer file that can be read";
    throw badFile(given, { expected, found: "none of these" });
  }
  const pointer = dataPointerSchema.safeParse(value);
  if (pointer.success) return pointer.data.id;
  if (modelPointerSchema.safeParse(value).success)
    throw badFile(given, { expected: "a pointer to data", found: "one to a model: `aura models checkout`" });
  throw badFile(given, { expected: "a pointer file as `aura data pointer` writes it", found: "another one" });
}
