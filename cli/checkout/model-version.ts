import { readFileSync } from "node:fs";
import { z } from "zod";
import { modelPointerSchema } from "../../schemas/data/data-pointer.ts";
import type { ModelPointer } from "../../schemas/data/data-pointer.ts";
import { VERSION_FILES, versionManifestSchema } from "../../schemas/models/model-version.ts";
import type { VersionManifest } from "../../schemas/models/model-version.ts";
import { NAME_PATTERN } from "../../schemas/names.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import { badFile } from "../../sources/files/bad-file.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";

/** A version as it is written: `turbofan@3`. */
export interface VersionName {
  readonly model: string;
  readonly version: number;
}

export interface ModelFiles extends VersionName {
  readonly digest: string;
  readonly manifest: VersionManifest;
}

const versionReply = z.looseObject({ digest: z.string(), manifest: versionManifestSchema });

/** undefined: it is no such name */
export function versionNameOf(text: string): VersionName | undefined {
  const [, model, version] = /^([^@]+)@([1-9]\d{0,8})$/.exec(text) ?? [];
  if (model === undefined || version === undefined || !NAME_PATTERN.test(model)) return undefined;
  return { model, version: Number(version) };
}

/**
 * What files a version has. They must hash to its digest, and that to the one of a pointer, so that whoever has the
 * pointer need not trust what answers.
 *
 * @throws {PlatformError} not_found; integrity: the files are others
 */
export async function readModelFiles(
  client: ApiClient,
  { model, version, id }: VersionName & { readonly id?: string },
): Promise<ModelFiles> {
  const found = await client.get(apiPath`/v1/models/${model}/versions/${version}`, versionReply);
  const { digest, manifest } = found;
  const wanted = id ?? digest;
  const got = versionDigest({ model, files: manifest.files });
  if (got === wanted) return { model, version, digest: got, manifest };
  throw new PlatformError(
    "integrity",
    `read ${model}@${version}: expected the version ${wanted.slice(0, 12)}, its files are ${got.slice(0, 12)}`,
  );
}

/** A pointer to a version, the same wherever it is written. */
export function modelPointer({ model, version, digest, manifest }: ModelFiles): ModelPointer {
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
  return { kind: "aura.pointer/1", of: "model", id: digest, model, version, bytes };
}

/** What a file of a version is called in a folder; a role that is not known here keeps its own name. */
export function fileNameOf(role: string): string {
  const known = (VERSION_FILES as Readonly<Record<string, string>>)[role];
  if (known !== undefined) return known;
  if (NAME_PATTERN.test(role)) return role;
  throw new PlatformError("integrity", `read version: a file of it is called ${JSON.stringify(role)}`);
}

/** The version that was named, or that a pointer file names with its digest. @throws {PlatformError} bad_file */
export function versionFrom(given: string, path: string): VersionName & { readonly id?: string } {
  const named = versionNameOf(given);
  if (named !== undefined) return named;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw badFile(given, { expected: "model@version, or a pointer file that can be read", found: "neither" });
  }
  const pointer = modelPointerSchema.safeParse(value);
  if (pointer.success) return pointer.data;
  throw badFile(given, {
    expected: "a pointer file as `aura models pointer` writes it",
    found: "another one",
  });
}
