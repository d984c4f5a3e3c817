import { hashOf } from "../canonical-json.ts";
import type { VersionManifest } from "./model-version.ts";

/** What of a manifest makes the identity: which bytes each file has, not where it lies. */
export interface VersionIdentity {
  readonly model: string;
  readonly files: Readonly<Record<string, { readonly sha256: string }>>;
}

/**
 * Digest that approvals, aliases and traces name: the hash of all files of a version, without times or places. Writer,
 * registry and server compute it here, so that they cannot come to differ.
 */
export function versionDigest({ model, files }: VersionIdentity): string {
  const hashes = Object.fromEntries(Object.entries(files).map(([role, { sha256 }]) => [role, sha256]));
  return hashOf({ kind: "aura.model/1" satisfies VersionManifest["kind"], model, files: hashes });
}
