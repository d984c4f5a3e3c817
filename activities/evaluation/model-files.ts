import { canonicalJson, sha256Hex } from "../../schemas/canonical-json.ts";
import { VERSION_FILES } from "../../schemas/models/model-version.ts";
import type { VersionFileRole, VersionManifest } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { putDocument } from "../../stores/objects/documents.ts";

/** Contents of a version: bytes for the graph, plain values for the rest. `explanation` may be undefined. */
export type VersionContents = {
  readonly [Role in VersionFileRole]: Role extends "onnx" ? Uint8Array : unknown;
};

/** Writes the files under `models/<name>/<digest>/` and the manifest that lists them. Idempotent. */
export async function storeVersion(
  objects: ObjectStore,
  model: string,
  contents: VersionContents,
): Promise<{ manifest: ObjectRef; digest: string; files: Readonly<Record<VersionFileRole, ObjectRef>> }> {
  const roles = (Object.keys(VERSION_FILES) as VersionFileRole[]).filter(
    (role) => contents[role] !== undefined,
  );
  const entries = roles.map((role) => {
    const content = contents[role];
    const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(canonicalJson(content));
    return { role, bytes, sha256: sha256Hex(bytes) };
  });
  const digest = versionDigest({ model, files: Object.fromEntries(entries.map((e) => [e.role, e])) });
  const files: Partial<Record<VersionFileRole, ObjectRef>> = {};
  for (const { role, bytes } of entries) {
    files[role] = await objects.put(`models/${model}/${digest}/${VERSION_FILES[role]}`, bytes);
  }
  const complete = files as Record<VersionFileRole, ObjectRef>;
  const manifest: VersionManifest = { kind: "aura.model/1", model, files: complete };
  return { manifest: await putDocument(objects, manifest), digest, files: complete };
}
