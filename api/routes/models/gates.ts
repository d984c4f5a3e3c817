import { z } from "zod";
import { gateResultSchema } from "../../../schemas/models/model-version.ts";
import type { GateResult } from "../../../schemas/models/model-version.ts";
import { nameSchema, sha256Schema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { VersionRow } from "../../../stores/postgres/port.ts";
import { found, versionParams } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Registered versions are the same for all sites. */
const reader = { role: "viewer", scope: "any" } as const;

/** Names that people use for a metric beside its own. */
const ALIASES: Readonly<Record<string, string>> = {
  auc: "rocAuc",
  roc_auc: "rocAuc",
  ap: "averagePrecision",
};

const bound = z.coerce.number().refine(Number.isFinite, "expected a finite number").optional();
const querySchema = z
  .strictObject({
    metric: z.string().max(64).optional().describe("Hold this metric against `min` or `max`, or both."),
    min: bound.describe("It must be at least this."),
    max: bound.describe("It must be at most this."),
    on: z.enum(["test", "cv"]).default("test").describe("test: the holdout; cv: the folds."),
  })
  .refine(
    ({ metric, min, max }) => (metric !== undefined) === (min !== undefined || max !== undefined),
    "expected `metric` with `min`, `max` or both, or none of them for the gates of the version",
  );
export type GateQuery = z.infer<typeof querySchema>;

/** Whether a version is good enough: by its gates, or by a bound that is asked about. */
export const gateRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/models/{model}/versions/{version}/gates",
    tag: "models",
    summary:
      "Whether a version passed the gates of the newest run that made it; or whether a metric of it keeps a bound. One that was never checked has not passed.",
    policy: reader,
    params: versionParams,
    query: querySchema,
    reply: z.strictObject({
      model: nameSchema,
      version: z.int(),
      digest: sha256Schema,
      stage: z.string(),
      passed: z.boolean(),
      gates: z.array(gateResultSchema),
    }),
    async handle({ params, query }, { database }) {
      const row = found(await database().registry.version(params.model, params.version), "version");
      const gates = query.metric === undefined ? row.gates : boundGates(row, query.metric, query);
      const passed = gates.length > 0 && gates.every((gate) => gate.passed);
      const { model, version, digest, stage } = row;
      return { model, version, digest, stage, passed, gates };
    },
  }),
];

/**
 * A metric of a version against a bound or two.
 *
 * @throws {PlatformError} invalid_query: the version has no such metric
 */
export function boundGates(
  { model, version, evaluation }: Pick<VersionRow, "model" | "version" | "evaluation">,
  given: string,
  { min, max, on }: Pick<GateQuery, "min" | "max" | "on">,
): GateResult[] {
  const metrics = evaluation.metrics[on];
  const metric = Object.hasOwn(metrics, given) ? given : (ALIASES[given] ?? given);
  const value = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
  if (value === undefined) {
    const known = Object.keys(metrics).toSorted().join(", ");
    throw new PlatformError(
      "invalid_query",
      `check gates [${model}@${version}]: it has no metric ${given} on ${on}, but ${known}`,
    );
  }
  const gate = (sign: string, limit: number, passed: boolean): GateResult => ({
    name: `${metric} on ${on}`,
    passed,
    detail: `${metric} on ${on} is ${Number(value.toPrecision(6))}, must be ${sign} ${limit}`,
  });
  return [
    ...(min === undefined ? [] : [gate(">=", min, value >= min)]),
    ...(max === undefined ? [] : [gate("<=", max, value <= max)]),
  ];
}
