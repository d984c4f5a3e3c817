import { z } from "zod";
import { intervalOf } from "../../../numerics/conformal/interval-rule.ts";
import { hashOf } from "../../../schemas/canonical-json.ts";
import { rawFileSchema } from "../../../schemas/data/dataset.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { FleetScoreReply } from "../../../schemas/serving/score.ts";
import { fleetScoreSchema } from "../../../schemas/serving/score.ts";
import { putDocument } from "../../../stores/objects/documents.ts";
import { auditOf, found, idParams, operator, siteViewer } from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const startScoreSchema = z.strictObject({
  model: nameSchema,
  files: z.array(rawFileSchema).min(1).max(10_000),
});

/** As `POST /v1/scores` makes it: model and hash of the question. */
const SCORE_ID = /^(?<model>.+)-(?<hash>[0-9a-f]{32})$/;

export const scoreRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/scores",
    tag: "scores",
    summary:
      "Rank a fleet by risk, remaining life or the probability of an uncommon class with the champion. The same files give the same job.",
    policy: operator,
    body: { kind: "json", schema: startScoreSchema, limitBytes: 4 * 2 ** 20 },
    reply: z.strictObject({
      scoreId: z.string(),
      workflowId: z.string(),
      runId: z.string(),
      isNew: z.boolean(),
      scoredAt: z
        .string()
        .nullable()
        .describe(
          "When this champion scored the same files before; null: never. It is that score again, which maintenance has looked at.",
        ),
      model: nameSchema,
      version: z.int(),
    }),
    status: 202,
    idempotent: true,
    async handle(request, { database, objects, workflows }) {
      const { body, actor } = request;
      const champion = await database().registry.champion(body.model);
      if (champion === undefined)
        throw new PlatformError("no_champion", `score [${body.model}]: no champion`);
      await checkRawFiles({ objects, database }, body.files);
      const files = body.files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const inputHash = hashOf({
        digest: champion.digest,
        raw: files.map((f) => [f.name, f.object.sha256]),
      }).slice(0, 32);
      const scoreId = `${body.model}-${inputHash}`;
      const scoredAt = (await database().scores.writtenAt(scoreId)) ?? null;
      const started = await workflows.startScore({
        jobId: scoreId,
        model: body.model,
        version: champion.version,
        digest: champion.digest,
        inputHash,
        files: await putDocument(objects, files),
        requestedBy: { id: actor.id, authenticated: actor.authenticated },
      });
      await database().audit.append(
        auditOf(request, "score.start", `score/${scoreId}`, { isNew: started.isNew }),
      );
      return { scoreId, ...started, scoredAt, model: body.model, version: champion.version };
    },
  }),
  route({
    method: "get",
    path: "/v1/scores/{id}",
    tag: "scores",
    summary:
      "A score job: ranked assets, what the numbers mean, and what of the files they rest on. 404 until it is done, its error once it failed. A limited key has the assets of its sites, and no row counts.",
    policy: siteViewer,
    params: idParams,
    reply: fleetScoreSchema,
    async handle({ params, actor: { sites } }, { database, workflows }) {
      const score = await database().scores.get(params.id, sites);
      // Why a job failed is for those who may see all of it.
      const job = score === undefined && sites === undefined ? SCORE_ID.exec(params.id)?.groups : undefined;
      if (job !== undefined) await workflows.requireScoreAlive(job["model"] ?? "", job["hash"] ?? "");
      return withIntervals(found(score, "score"));
    },
  }),
];

/** An interval follows from its answer: only the rule is stored. */
function withIntervals(score: FleetScoreReply): FleetScoreReply {
  const { interval } = score.summary;
  if (interval === undefined) return score;
  const { level } = interval;
  const rows = score.rows.map((row) => ({
    ...row,
    interval: { ...intervalOf(interval, row.value, interval), level },
  }));
  return { ...score, rows };
}
