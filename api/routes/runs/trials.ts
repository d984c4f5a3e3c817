import { z } from "zod";
import { parameterImportance } from "../../../numerics/search/importance.ts";
import { paretoFront } from "../../../numerics/search/pareto.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { trialCurvesSchema, trialListSchema } from "../../../schemas/runs/trial.ts";
import type { SearchView, TrialView } from "../../../schemas/runs/trial.ts";
import { getNumbers } from "../../../stores/objects/numbers.ts";
import { trialsAsParquet } from "../../export/trials-parquet.ts";
import { found, idParams, limitQuery, serverIdSchema, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const trialParams = z.strictObject({
  id: serverIdSchema,
  candidate: nameSchema,
  number: z.coerce.number().int().min(0).max(1_000_000),
});

export const trialRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/runs/{id}/trials",
    tag: "runs",
    summary:
      "Trials of a run's searches, by candidate and number, and what each search came to: its best trial and its Pareto front.",
    policy: viewer,
    params: idParams,
    query: z.strictObject({
      candidate: nameSchema.optional(),
      limit: limitQuery(1_000),
      offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
    }),
    reply: trialListSchema,
    async handle({ params, query }, { database }) {
      found(await database().runs.get(params.id), "run", params.id);
      const trials = await database().trials.list(params.id, query.candidate);
      const walls = await database().trials.wallSeconds(params.id);
      const names = [...new Set(trials.map((trial) => trial.candidate))];
      return {
        items: trials.slice(query.offset, query.offset + query.limit),
        searches: names.map((name) => ({
          ...summarise(trials.filter((trial) => trial.candidate === name)),
          wallSeconds: walls.get(name) ?? 0,
        })),
      };
    },
  }),
  route({
    method: "get",
    path: "/v1/runs/{id}/trials.parquet",
    tag: "runs",
    summary:
      "All trials of a run as one Parquet file: a row each, a column for every parameter, metric and fold.",
    policy: viewer,
    params: idParams,
    reply: z.string().describe("The bytes of the file."),
    async handle({ params, context }, { database, uploadDir }) {
      found(await database().runs.get(params.id), "run", params.id);
      const bytes = await trialsAsParquet(await database().trials.list(params.id), uploadDir);
      return context.body(bytes, 200, { "content-type": "application/vnd.apache.parquet" });
    },
  }),
  route({
    method: "get",
    path: "/v1/runs/{id}/trials/{candidate}/{number}/curves",
    tag: "runs",
    summary: "Learning curves of one trial: the figure on the early-stopping rows after each round, by fold.",
    policy: viewer,
    params: trialParams,
    reply: trialCurvesSchema,
    async handle({ params: { id, candidate, number } }, { database, objects }) {
      const trials = await database().trials.list(id, candidate);
      const trial = found(
        trials.find((one) => one.number === number),
        "trial",
      );
      const folds = [];
      for (const { repeat, fold, rows } of trial.folds) {
        const { history = [] } = await getNumbers(objects, rows);
        // JSON has no NaN: a figure that was undefined on these rows.
        folds.push({ repeat, fold, history: Array.from(history, (v) => (Number.isFinite(v) ? v : null)) });
      }
      return { candidate, number, folds };
    },
  }),
];

/** Trials of one candidate, at least one. */
function summarise(trials: readonly TrialView[]): Omit<SearchView, "wallSeconds"> {
  const complete = trials.filter(({ state }) => state === "complete");
  const count = (state: TrialView["state"]) => trials.filter((trial) => trial.state === state).length;
  const best = complete.toSorted((a, b) => (a.loss ?? 0) - (b.loss ?? 0) || a.number - b.number)[0];
  const losses = complete.map(({ objectives }) => objectives.map(({ loss }) => loss));
  return {
    candidate: trials[0]?.candidate ?? "",
    trials: trials.length,
    complete: complete.length,
    pruned: count("pruned"),
    failed: count("failed"),
    seconds: trials.reduce((sum, { seconds }) => sum + seconds, 0),
    best: best?.number ?? null,
    importance: parameterImportance(
      complete.map(({ parameters, loss }) => ({ point: parameters, loss: loss ?? Number.NaN })),
    ),
    pareto: paretoFront(losses).map((place) => complete[place]?.number ?? 0),
  };
}
