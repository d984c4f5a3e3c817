import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";

/** Object store in memory for tests of its users; the contract suite holds the real ones. */
export class MemoryObjects implements ObjectStore {
  readonly root = "memory:";
  readonly objects = new Map<string, Uint8Array>();
  /** Set: every call fails as an unreachable store does. */
  isDown = false;

  async put(key: string, bytes: Uint8Array): Promise<ObjectRef> {
    this.check();
    const ref = { key, sha256: sha256Hex(bytes), bytes: bytes.length };
    const present = this.objects.get(key);
    if (present !== undefined && sha256Hex(present) !== ref.sha256)
      throw new PlatformError("conflict", `put ${key}`);
    this.objects.set(key, Uint8Array.from(bytes));
    return ref;
  }

  async putFile(key: string, path: string): Promise<ObjectRef> {
    return this.put(key, await readFile(path));
  }

  async get(ref: ObjectRef): Promise<Uint8Array> {
    this.check();
    const bytes = this.objects.get(ref.key);
    if (bytes === undefined) throw new PlatformError("not_found", `get ${ref.key}`);
    if (sha256Hex(bytes) !== ref.sha256) throw new PlatformError("integrity", `get ${ref.key}`);
    return bytes;
  }

  /** A copy on the disk, which goes when the process ends. */
  async fetch({ key, sha256 }: ObjectRef): Promise<string> {
    this.check();
    const bytes = this.objects.get(key);
    if (bytes === undefined) throw new PlatformError("objects_unavailable", `no object ${key}`);
    const folder = join(tmpdir(), `aura-memory-objects-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, sha256);
    writeFileSync(path, bytes);
    return path;
  }

  async head(key: string): Promise<ObjectRef | undefined> {
    this.check();
    const bytes = this.objects.get(key);
    return bytes && { key, sha256: sha256Hex(bytes), bytes: bytes.length };
  }

  async *list(prefix: string): AsyncIterable<{ key: string; bytes: number }> {
    for (const [key, bytes] of this.objects) if (key.startsWith(prefix)) yield { key, bytes: bytes.length };
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key);
  }

  async probe(): Promise<void> {
    this.check();
  }

  private check(): void {
    if (this.isDown) throw new PlatformError("objects_unavailable", "memory objects are down");
  }
}
