import { z } from "zod";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import type { ModelOutput } from "../../../inference/served-model.ts";
import type { ApiDeps } from "../../deps.ts";
import type { PredictCaller } from "../../serving/predictor.ts";
import { haveSameFeatures } from "../../serving/rollout/same-features.ts";
import type { ServedVersion } from "../../serving/served-version.ts";
import { anyObject } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/**
 * Open Inference Protocol v2, so that clients of KServe and Triton work unchanged.
 *
 * The model has one input `features`, FP64 [N, nFeatures] in signature order, null = missing where the
 * signature allows it, one output FP64 [N, m], and where the version says how far off answers may be
 * `interval_low` and `interval_high` [N, 1]. Only the version that serves is there; errors are
 * `{"error"}`. Answers carry digest, prediction ids and `traced` in `parameters`.
 */

const INFER_BYTES = 8 * 2 ** 20;
const MAX_ROWS = 10_000;

const reader = { role: "viewer", scope: "any" } as const;
const probe = { public: true, ...reader } as const;
const modelParams = z.strictObject({ model: nameSchema });
const versionParams = z.strictObject({ model: nameSchema, version: z.string().regex(/^\d{1,9}$/) });

const tensorData: z.ZodType<(number | null)[] | (number | null)[][]> = z.union([
  z.array(z.number().nullable()),
  z.array(z.array(z.number().nullable())),
]);
const inferSchema = z.object({
  id: z.string().max(128).optional(),
  parameters: anyObject.optional(),
  inputs: z
    .array(
      z.object({
        name: z.literal("features"),
        shape: z.tuple([z.int().min(1).max(MAX_ROWS), z.int().min(1)]),
        datatype: z.enum(["FP64", "FP32", "INT64", "INT32"]),
        parameters: anyObject.optional(),
        data: tensorData,
      }),
    )
    .length(1),
  outputs: z.array(z.object({ name: z.string(), parameters: anyObject.optional() })).optional(),
});
type Infer = z.infer<typeof inferSchema>;

const ready = async (model: string, version: string | undefined, deps: ApiDeps) => {
  const served = find(model, version, deps);
  return { name: served.model, ready: true };
};

const metadata = (served: ServedVersion) => ({
  name: served.model,
  versions: [String(served.version)],
  platform: "onnx",
  inputs: [{ name: "features", datatype: "FP64", shape: [-1, served.encoder.nFeatures] }],
  outputs: [
    { name: served.signature.output.name, datatype: "FP64", shape: [-1, outputWidth(served)] },
    ...(served.signature.output.interval === undefined
      ? []
      : INTERVAL_ENDS.map((end) => ({ name: `interval_${end}`, datatype: "FP64", shape: [-1, 1] }))),
  ],
  parameters: { digest: served.digest, features: served.signature.inputs.map(({ name }) => name) },
});

/** More outputs of a version that says how far off its answers are. */
const INTERVAL_ENDS = ["low", "high"] as const;

const common = { tag: "open inference protocol" } as const;
const readyReply = z.strictObject({ name: z.string(), ready: z.boolean() });

interface ModelParams {
  readonly model: string;
  readonly version?: string;
}

/** A model's newest champion, or one version of it. */
const MODEL_PATHS: readonly { readonly suffix: string; readonly params: z.ZodType<ModelParams> }[] = [
  { suffix: "", params: modelParams },
  { suffix: "/versions/{version}", params: versionParams },
];

export const inferenceProtocolRoutes: readonly AnyRoute[] = [
  route({
    ...common,
    method: "get",
    path: "/v2",
    summary: "Server metadata.",
    policy: reader,
    reply: anyObject,
    handle: async (_request, { release }) => ({ name: "aura", version: release, extensions: [] }),
  }),
  route({
    ...common,
    method: "get",
    path: "/v2/health/live",
    summary: "Whether the server answers.",
    policy: probe,
    reply: z.strictObject({ live: z.boolean() }),
    handle: async () => ({ live: true }),
  }),
  route({
    ...common,
    method: "get",
    path: "/v2/health/ready",
    summary: "Whether all models can answer.",
    policy: probe,
    reply: z.strictObject({ ready: z.boolean() }),
    handle: async ({ context }, { readiness }) =>
      context.json({ ready: readiness.isReady }, readiness.isReady ? 200 : 503),
  }),
  ...MODEL_PATHS.flatMap(({ suffix, params }) => [
    route({
      ...common,
      method: "get",
      path: `/v2/models/{model}${suffix}`,
      summary: "Model metadata: tensors, versions, names of the features.",
      policy: reader,
      params,
      reply: anyObject,
      handle: async ({ params: { model, version } }, deps) => metadata(find(model, version, deps)),
    }),
    route({
      ...common,
      method: "get",
      path: `/v2/models/{model}${suffix}/ready`,
      summary: "Whether the model can answer.",
      policy: reader,
      params,
      reply: readyReply,
      handle: async ({ params: { model, version } }, deps) => ready(model, version, deps),
    }),
    route({
      ...common,
      method: "post",
      path: `/v2/models/{model}${suffix}/infer`,
      summary: "Infer on a tensor of feature rows.",
      policy: reader,
      params,
      body: { kind: "json", schema: inferSchema, limitBytes: INFER_BYTES },
      reply: anyObject,
      handle: async ({ params: { model, version }, body, actor, requestId }, deps) =>
        infer(find(model, version, deps), body, {
          deps,
          caller: { actor: actor.id, requestId },
          // Who names a version is answered by that one.
          isNamed: version !== undefined,
        }),
    }),
  ]),
];

function find(model: string, version: string | undefined, { predictor }: ApiDeps): ServedVersion {
  let served: ServedVersion | undefined;
  try {
    served = predictor.version(model);
  } catch {
    served = undefined;
  }
  if (served !== undefined && (version === undefined || version === String(served.version))) return served;
  throw new PlatformError(
    "not_found",
    `model ${model}${version === undefined ? "" : ` version ${version}`}: not served`,
  );
}

interface InferContext {
  readonly deps: ApiDeps;
  readonly caller: PredictCaller;
  readonly isNamed: boolean;
}

interface InferAnswer {
  readonly served: ServedVersion;
  readonly reply: PredictReply;
  readonly output: ModelOutput;
}

/** A tensor has no names: only a version with the same inputs in the same order can be asked the same. */
function inferBesides(champion: ServedVersion, request: Infer, context: InferContext): Promise<InferAnswer> {
  const { predictor } = context.deps;
  const { caller } = context;
  const answer = async (served: ServedVersion, by?: PredictCaller["by"]): Promise<InferAnswer> => {
    const rows = tensorRows(served, request);
    const nRows = rows.length / served.encoder.nFeatures;
    return { served, ...(await predictor.predictTensor(served, { rows, nRows }, { ...caller, by })) };
  };
  const candidate = context.isNamed ? undefined : predictor.candidateBeside(champion);
  if (candidate === undefined) return answer(champion);
  return predictor.answerInRollout(candidate, {
    assets: () => undefined,
    requestKey: caller.requestId,
    answer,
    isFor: (version) => haveSameFeatures(champion, version),
    replyOf: ({ reply }) => reply,
  });
}

async function infer(champion: ServedVersion, request: Infer, context: InferContext) {
  const ends = context.deps.metrics.predictBegins();
  try {
    const { served, reply, output } = await inferBesides(champion, request, context);
    ends(served.model, 200);
    return {
      model_name: served.model,
      model_version: String(served.version),
      ...(request.id === undefined ? {} : { id: request.id }),
      parameters: {
        digest: served.digest,
        traced: reply.traced,
        prediction_ids: reply.predictions.map(({ predictionId }) => predictionId),
      },
      outputs: [
        {
          name: served.signature.output.name,
          datatype: "FP64",
          shape: [reply.predictions.length, output.nOutputs],
          data: Array.from(output.values),
        },
        ...intervalTensors(reply),
      ],
    };
  } catch (error) {
    ends(champion.model, 500);
    throw error;
  }
}

function intervalTensors({ predictions }: PredictReply) {
  if (predictions[0]?.interval === undefined) return [];
  return INTERVAL_ENDS.map((end) => ({
    name: `interval_${end}`,
    datatype: "FP64",
    shape: [predictions.length, 1],
    parameters: { level: predictions[0]?.interval?.level },
    data: predictions.map(({ interval }) => interval?.[end] ?? NaN),
  }));
}

/** The tensor's numbers, held against its own shape and the signature. */
function tensorRows(served: ServedVersion, { inputs }: Infer): Float64Array {
  const [tensor] = inputs;
  const width = served.encoder.nFeatures;
  const [nRows, nColumns] = tensor?.shape ?? [0, 0];
  const flat = (tensor?.data ?? []).flat();
  if (nColumns !== width || flat.length !== nRows * nColumns) {
    throw refuse(
      `shape [${nRows}, ${width}] and as many numbers`,
      `[${nRows}, ${nColumns}] and ${flat.length}`,
    );
  }
  const { inputs: fields } = served.signature;
  return Float64Array.from(flat, (value, i) => {
    if (value !== null) return value;
    if (fields[i % width]?.nullable === true) return NaN;
    throw refuse(`a number for ${fields[i % width]?.name}`, "null");
  });
}

function refuse(expected: string, found: string): PlatformError {
  return new PlatformError(
    "invalid_signature_input",
    `infer [inputs.0]: expected ${expected}, got ${found}`,
    {
      locations: [{ field: "inputs.0", expected, found }],
    },
  );
}

function outputWidth({ signature }: ServedVersion): number {
  const { forecast, classLabels } = signature.output;
  if (forecast !== undefined) return forecast.horizons.length * forecast.quantiles.length;
  return signature.problem === "multiclass" ? (classLabels?.length ?? -1) : 1;
}
