import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { InferencePool, PoolStatus } from "../../inference/pool.ts";
import type { ModelOutput } from "../../inference/served-model.ts";
import type { OnlineRow } from "../../schemas/live/online-features.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PredictAsset, PredictReply } from "../../schemas/serving/prediction.ts";
import { parseIsoMicros } from "../../schemas/text/iso-time.ts";
import type { Metrics } from "../metrics.ts";
import type { TraceRow } from "../trace/trace-row.ts";
import type { TraceSpool } from "../trace/spool.ts";
import { answeredAt, createAnswerReader, headlineOfOutputs } from "./answers.ts";
import type { AnswerReader } from "./answers.ts";
import type { AssetFeatures } from "./asset-features.ts";
import type { Champions } from "./champions.ts";
import { describeExplanation, explainedOutput } from "../../inference/explanation/describe-explanation.ts";
import type { Explanations } from "./explanations.ts";
import { liveInput } from "./live-input.ts";
import type { Answering, Candidate } from "./rollout/candidate.ts";
import type { Candidates } from "./rollout/candidates.ts";
import { RolloutRouter } from "./rollout/router.ts";
import type { Question } from "./rollout/router.ts";
import { requireKnown } from "./row-encoder.ts";
import type { ServedVersion } from "./served-version.ts";

export interface PredictorOptions {
  readonly champions: Champions;
  readonly candidates: Pick<Candidates, "of">;
  readonly pool: InferencePool;
  /** Undefined: the spool could not be opened; the trace policy then decides. */
  readonly spool: TraceSpool | undefined;
  readonly traceOnFull: "answer" | "refuse";
  readonly assetFeatures: AssetFeatures;
  readonly explanations: Explanations;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Who asks, for the trace. */
export interface PredictCaller {
  readonly actor: string;
  readonly requestId: string;
  /** How many contributions each answer shall be explained with. */
  readonly explain?: number | undefined;
  /** How it answers while a rollout goes on; absent: by the champion's children, for the caller. */
  readonly by?: Answering | undefined;
}

/** Rows ready for the model: row-major (nRows × nFeatures), with one asset id per row where they are known. */
export interface EncodedRows {
  readonly rows: Float64Array;
  readonly nRows: number;
  readonly assets?: readonly (string | null)[];
  /** What each row is about, where that is known: microseconds since 1970 UTC, or the cycle. */
  readonly times?: readonly (number | null)[];
  /** One id per row for the trace, where they are not all of the caller's request. */
  readonly requestIds?: readonly string[];
}

/**
 * From named values to traced answers: signature → model → trace → reply. Touches neither PostgreSQL nor
 * Temporal. The version is chosen once per request, so that a swap cannot mix two in one reply.
 */
export class Predictor {
  private readonly options: PredictorOptions;
  private readonly readers = new WeakMap<ServedVersion, AnswerReader>();
  private readonly router: RolloutRouter;

  constructor(options: PredictorOptions) {
    this.options = options;
    this.router = new RolloutRouter(options.pool, options.logger);
  }

  /** @throws {PlatformError} no_champion */
  version(model: string | undefined): ServedVersion {
    return this.options.champions.find(model);
  }

  /** The version that a rollout brings beside `champion`; undefined while there is none. */
  candidateBeside({ model, digest }: ServedVersion): Candidate | undefined {
    const candidate = this.options.candidates.of(model);
    // At the end of a rollout it is the champion, a moment before it is a candidate no more.
    return candidate === undefined || candidate.served.digest === digest ? undefined : candidate;
  }

  /** Has one of the two answer, and the other compared with it. @throws {PlatformError} what the champion throws */
  answerInRollout<T>(candidate: Candidate, question: Question<T>): Promise<T> {
    const { model } = candidate.served;
    return this.router.answer(candidate, () => this.version(model), question);
  }

  /** What to answer where `version` found none: a model nobody registered is not there at all. */
  async explainMissing(model: string, error: PlatformError): Promise<PlatformError> {
    if (!(await this.options.champions.isUnheardOf(model))) return error;
    return new PlatformError("not_found", `predict [model ${model}]: there is no such model`);
  }

  versions(): readonly ServedVersion[] {
    return this.options.champions.list();
  }

  /** Children and spool, for people. */
  status(): { readonly inference: PoolStatus; readonly spool: ReturnType<TraceSpool["status"]> | null } {
    return { inference: this.options.pool.status(), spool: this.options.spool?.status() ?? null };
  }

  /** @throws {PlatformError} what encoding, pool and trace policy throw */
  async predictRows(
    version: ServedVersion,
    rows: readonly Readonly<Record<string, unknown>>[],
    caller: PredictCaller & {
      readonly assets?: readonly string[] | undefined;
      readonly times?: readonly (number | null)[] | undefined;
    },
  ): Promise<PredictReply> {
    const { encoder } = version;
    const encoded = new Float64Array(rows.length * encoder.nFeatures);
    for (let i = 0; i < rows.length; i++) encoder.encode(rows[i] ?? {}, i, encoded, i * encoder.nFeatures);
    const { assets, times } = caller;
    const known = { ...(assets === undefined ? {} : { assets }), ...(times === undefined ? {} : { times }) };
    return this.predict(version, { rows: encoded, nRows: rows.length, ...known }, caller);
  }

  async predictAsset(
    version: ServedVersion,
    request: PredictAsset,
    caller: PredictCaller,
  ): Promise<PredictReply> {
    const { row, at, t, warnings, readingAgeSeconds } = this.options.assetFeatures.lastRow(version, request);
    requireKnown(version.signature, row);
    if (readingAgeSeconds !== undefined) this.options.metrics.readingAge(version.model, readingAgeSeconds);
    const input = { rows: row, nRows: 1, assets: [request.asset], times: [t ?? null] };
    const reply = await this.predict(version, input, caller);
    const { forecast } = version.signature.output;
    const predictions =
      at === undefined ? reply.predictions : reply.predictions.map((p) => answeredAt(p, at, forecast));
    return { ...reply, predictions, ...(warnings.length === 0 ? {} : { warnings: [...warnings] }) };
  }

  /** Predicts for an asset by the features that a scorer keeps. */
  async predictLive(version: ServedVersion, live: OnlineRow, caller: PredictCaller): Promise<PredictReply> {
    const { row, warnings } = liveInput(version, live);
    requireKnown(version.signature, row);
    if (live.ageSeconds !== null) this.options.metrics.readingAge(version.model, live.ageSeconds);
    const { at } = live;
    const times = [typeof at === "string" ? (parseIsoMicros(at) ?? null) : at];
    const reply = await this.predict(version, { rows: row, nRows: 1, assets: [live.asset], times }, caller);
    const { forecast } = version.signature.output;
    const predictions =
      at === null ? reply.predictions : reply.predictions.map((p) => answeredAt(p, at, forecast));
    return { ...reply, predictions, ...(warnings.length === 0 ? {} : { warnings }) };
  }

  async predict(version: ServedVersion, input: EncodedRows, caller: PredictCaller): Promise<PredictReply> {
    const answering = this.run(version, input, caller);
    if (caller.explain === undefined) return this.answer(version, { input, caller, output: await answering });
    return this.predictExplained(version, input, { ...caller, explain: caller.explain, answering });
  }

  private async predictExplained(
    version: ServedVersion,
    input: EncodedRows,
    caller: PredictCaller & { readonly explain: number; readonly answering: Promise<ModelOutput> },
  ): Promise<PredictReply> {
    const { rows, nRows } = input;
    const { explain: limit, answering } = caller;
    const explaining = this.options.explanations.explain(version, rows, nRows);
    const [output, explained] = await Promise.all([answering, explaining]);
    const reader = this.readerOf(version, output.nOutputs);
    const reply = await this.answer(version, { input, caller, output });
    const width = rows.length / nRows;
    const predictions = reply.predictions.map((prediction, row) => {
      const values = rows.subarray(row * width, (row + 1) * width);
      const { signature } = version;
      const at = explainedOutput(signature, reader.headline(output.values, row * output.nOutputs));
      const given = { row, output: at, values, limit };
      return { ...prediction, explanation: describeExplanation(signature, explained, given) };
    });
    return { ...reply, predictions };
  }

  /** As `predict`, with the output tensor beside the reply. */
  async predictTensor(
    version: ServedVersion,
    input: EncodedRows,
    caller: PredictCaller,
  ): Promise<{ readonly reply: PredictReply; readonly output: ModelOutput }> {
    const output = await this.run(version, input, caller);
    return { reply: await this.answer(version, { input, caller, output }), output };
  }

  private run(
    version: ServedVersion,
    { rows, nRows }: EncodedRows,
    { by }: PredictCaller,
  ): Promise<ModelOutput> {
    return by === undefined
      ? this.options.pool.predict(version.digest, rows, nRows)
      : by.run(version, rows, nRows);
  }

  /** Names the outputs, traces them, and gives the reply once the trace is written. */
  private async answer(
    version: ServedVersion,
    { input, caller, output }: Pick<Answered, "input" | "caller" | "output">,
  ): Promise<PredictReply> {
    const reader = this.readerOf(version, output.nOutputs);
    const atMs = Date.now();
    const rows = traceRows({ version, input, caller, reader, output, atMs });
    const written = this.trace(version, rows);
    const predictions = rows.map(({ predictionId, asset }, i) => {
      const prediction = reader.read(predictionId, output.values, i * output.nOutputs);
      return asset === null ? prediction : { ...prediction, asset };
    });
    const { unit, threshold } = version.signature.output;
    return {
      predictions,
      model: version.model,
      version: version.version,
      digest: version.digest,
      traced: await written,
      ...(unit === undefined ? {} : { unit }),
      ...(threshold === undefined ? {} : { threshold }),
    };
  }

  /**
   * Headline of a stored row, for indexing segments of an earlier process. The version that answered may serve no
   * more: another one of its model says how to read as many outputs as it has itself.
   */
  headlineOf({ model, digest, outputs }: Pick<TraceRow, "model" | "digest" | "outputs">): number {
    const versions = this.options.champions.list().filter((v) => v.model === model);
    const version = versions.find((v) => v.digest === digest) ?? versions[0];
    if (version === undefined) return headlineOfOutputs(outputs);
    try {
      return createAnswerReader(version.signature, outputs.length).headline(outputs, 0);
    } catch {
      return headlineOfOutputs(outputs);
    }
  }

  private readerOf(version: ServedVersion, nOutputs: number): AnswerReader {
    let reader = this.readers.get(version);
    if (reader === undefined) {
      reader = createAnswerReader(version.signature, nOutputs);
      this.readers.set(version, reader);
    }
    return reader;
  }

  private async trace(version: ServedVersion, rows: readonly TraceRow[]): Promise<boolean> {
    const { spool, traceOnFull, metrics, logger } = this.options;
    try {
      if (spool === undefined) throw new PlatformError("trace_unavailable", "trace: there is no spool");
      await spool.append(version.model, rows);
      return true;
    } catch (error) {
      if (traceOnFull === "refuse") throw error;
      metrics.untraced(rows.length);
      logger.debug({ err: error }, "prediction answered without a trace");
      return false;
    }
  }
}

interface Answered {
  readonly version: ServedVersion;
  readonly input: EncodedRows;
  readonly caller: PredictCaller;
  readonly reader: AnswerReader;
  readonly output: ModelOutput;
  readonly atMs: number;
}

function traceRows({ version, input, caller, reader, output, atMs }: Answered): TraceRow[] {
  const { model, digest } = version;
  const { values, nOutputs } = output;
  const nFeatures = input.rows.length / input.nRows;
  const rows: TraceRow[] = [];
  for (let i = 0; i < input.nRows; i++) {
    rows.push({
      predictionId: newPredictionId(atMs),
      requestId: input.requestIds?.[i] ?? caller.requestId,
      model,
      version: version.version,
      digest,
      asset: input.assets?.[i] ?? null,
      atMicros: atMs * 1_000,
      actor: caller.actor,
      t: input.times?.[i] ?? null,
      role: caller.by?.role ?? "answer",
      features: input.nRows === 1 ? input.rows : input.rows.subarray(i * nFeatures, (i + 1) * nFeatures),
      outputs: input.nRows === 1 ? values : values.subarray(i * nOutputs, (i + 1) * nOutputs),
      value: reader.headline(values, i * nOutputs),
    });
  }
  return rows;
}

let idsAtMs = NaN;
let idStart = "";

/** UUID version 7: ordered by time, so that index and lists keep the order of the answers. */
function newPredictionId(atMs: number): string {
  if (atMs !== idsAtMs) {
    idsAtMs = atMs;
    const time = atMs.toString(16).padStart(12, "0");
    idStart = `${time.slice(0, 8)}-${time.slice(8, 12)}-7`;
  }
  return idStart + randomUUID().slice(15);
}
