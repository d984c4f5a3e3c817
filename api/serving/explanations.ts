import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { ExplainerThread } from "../../inference/explanation/explainer-thread.ts";
import type { ExplainedModel } from "../../inference/explanation/explainer-thread.ts";
import type { ExplainedRows } from "../../inference/explanation/messages.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";

/** Rows explained in one request: each costs about as much as many predictions. */
export const MAX_EXPLAINED_ROWS = 100;
/** Largest explanation document. */
const MAX_BYTES = 256 * 2 ** 20;
/** Champions whose explanations are made ready before anybody asks. */
const MAX_PREPARED = 8;
/** Rows of a version that are explained for nobody: enough for its document to be read and for the first who asks not to wait. */
const PREPARED_ROWS = 4;
/** After a version came to serve: while it takes over the processors have enough to do. */
const PREPARE_AFTER_MS = 2_000;

/** A version and where its explanation file lies. */
export interface ExplainableVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly signature: Signature;
  /** Absent in versions that were made elsewhere or by an earlier release. */
  readonly explanation?: ObjectRef;
}

/** Explains answers of versions, beside the children that give them. */
export class Explanations {
  readonly #objects: ObjectStore;
  readonly #logger: Logger;
  /** Digest of the last version that came to serve, by model. */
  readonly #prepared = new Map<string, string>();
  readonly #thread = new ExplainerThread({ maxModels: MAX_PREPARED });
  #isClosed = false;

  constructor({ objects, logger }: { readonly objects: ObjectStore; readonly logger: Logger }) {
    this.#objects = objects;
    this.#logger = logger;
  }

  /**
   * Contributions of rows of the input tensor.
   *
   * @throws {PlatformError} not_explainable, invalid_query (too many rows), and what the thread throws
   */
  async explain(version: ExplainableVersion, rows: Float64Array, nRows: number): Promise<ExplainedRows> {
    if (nRows > MAX_EXPLAINED_ROWS) {
      throw new PlatformError(
        "invalid_query",
        `explain: expected at most ${MAX_EXPLAINED_ROWS} rows, got ${nRows}`,
        { locations: [{ field: "explain", expected: `at most ${MAX_EXPLAINED_ROWS} rows` }] },
      );
    }
    return this.#thread.explain(this.#modelOf(version), rows, nRows);
  }

  /** Reads a version and explains some of its golden rows, so that the first one who asks does not wait. Never throws. */
  async prepare(
    version: ExplainableVersion,
    golden: { readonly rows: Float64Array; readonly nRows: number },
  ) {
    const before = this.#prepared.get(version.model);
    // Promotions must not pile up models; an answer of the past reads its version anew.
    if (before !== undefined && before !== version.digest) this.#thread.drop(before);
    this.#prepared.set(version.model, version.digest);
    // More than the thread holds would only push each other out; the rest are read when they are asked for.
    if (version.explanation === undefined || this.#prepared.size > MAX_PREPARED) return;
    await sleep(PREPARE_AFTER_MS, undefined, { ref: false });
    if (this.#isClosed || this.#prepared.get(version.model) !== version.digest) return;
    try {
      await this.explain(version, golden.rows, Math.min(golden.nRows, PREPARED_ROWS));
    } catch (err) {
      const { model, digest } = version;
      this.#logger.warn({ model, digest, err }, "explanations could not be prepared");
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#thread.close();
  }

  #modelOf({ model, version, digest, explanation, signature }: ExplainableVersion): ExplainedModel {
    if (explanation === undefined) {
      throw new PlatformError("not_explainable", `explain [${model}@${version}]: it has no explanation file`);
    }
    const read = (): Promise<Uint8Array> => this.#objects.get(explanation, MAX_BYTES);
    return { key: digest, nFeatures: signature.inputs.length, read };
  }
}
