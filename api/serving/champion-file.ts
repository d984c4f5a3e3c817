import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { nameSchema, sha256Schema } from "../../schemas/names.ts";
import { versionManifestSchema } from "../../schemas/models/model-version.ts";
import type { VersionPointer } from "./served-version.ts";

const championFileSchema = z.strictObject({
  kind: z.literal("aura.serving/1"),
  areKeysOn: z.boolean(),
  champions: z.array(
    z.strictObject({
      model: nameSchema,
      version: z.int(),
      digest: sha256Schema,
      manifest: versionManifestSchema,
      threshold: z.number().optional(),
    }),
  ),
});
export type RememberedServing = Omit<z.infer<typeof championFileSchema>, "kind">;

/**
 * What this server last served and whether keys were on, in a small local file: with PostgreSQL away a
 * restarted server goes on from it. The file is a hint: every artefact it names is verified again.
 */
export class ChampionFile {
  private readonly path: string;
  private state: RememberedServing = { areKeysOn: false, champions: [] };
  private writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** Reads the file; a missing or damaged one counts as empty. */
  async read(): Promise<RememberedServing> {
    try {
      const { areKeysOn, champions } = championFileSchema.parse(
        JSON.parse(await readFile(this.path, "utf8")),
      );
      this.state = { areKeysOn, champions };
    } catch {
      this.state = { areKeysOn: false, champions: [] };
    }
    return this.state;
  }

  rememberChampions(champions: readonly VersionPointer[]): Promise<void> {
    return this.write({ ...this.state, champions: champions.map((c) => ({ ...c })) });
  }

  rememberKeysOn(): Promise<void> {
    return this.write({ ...this.state, areKeysOn: true });
  }

  /** Whole or not at all: written beside and renamed, one write after the other. */
  private write(state: RememberedServing): Promise<void> {
    this.state = state;
    const text = JSON.stringify({ kind: "aura.serving/1", ...state });
    this.writing = this.writing
      .catch(() => undefined)
      .then(async () => {
        await writeFile(`${this.path}.new`, text, { mode: 0o600 });
        await rename(`${this.path}.new`, this.path);
      });
    return this.writing;
  }
}
