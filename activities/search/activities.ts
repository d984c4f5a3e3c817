import { countSeen } from "../../numerics/search/sampler.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { trialViewSchema } from "../../schemas/runs/trial.ts";
import { getDocument, putDocument, readFeatureSet, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { reuseOr } from "../stage-cache.ts";
import { problemOf } from "../training/problem.ts";
import type {
  ChooseTrialsInput,
  ChooseTrialsResult,
  PlanSearchInput,
  PlanSearchResult,
  RunTrialInput,
  RunTrialResult,
} from "./messages.ts";
import { BinCache } from "./bin-cache.ts";
import { budgetOf, searchPlanSchema, searchSettingsOf, trialPipeline } from "./plan.ts";
import { foundPipeline } from "./found-pipeline.ts";
import { objectivesOf, runTrial, TRIAL_VERSION } from "./trial.ts";

/** The search: what is asked for, its trials, and what they came to. */
export function createSearchActivities(deps: ActivityDeps) {
  const { objects, db } = deps;
  const trialDeps = { ...deps, bins: new BinCache() };
  return {
    /**
     * Writes down all that the trials of one candidate depend on.
     *
     * **Effects**: plan document. **Idempotency**: content. **Heartbeat**: 1 s. **Retry**: work.
     */
    async planSearch(input: PlanSearchInput): Promise<PlanSearchResult> {
      return withHeartbeat(async () => {
        const { candidate, split, folds } = input;
        const pipeline = await readPipeline(objects, input.spec);
        const spec = await putDocument(objects, trialPipeline(pipeline, candidate));
        const plan = await putDocument(objects, {
          kind: "aura.search-plan/1",
          candidate,
          spec,
          split,
          folds,
        });
        const [first] = folds;
        if (first === undefined)
          throw new PlatformError("not_enough_data", "plan search: there are no folds");
        const { classLabels } = await readFeatureSet(objects, first.featureSet);
        const [metric = ""] = objectivesOf(pipeline, problemOf(pipeline, classLabels ?? null));
        return { plan, candidate, metric, ...budgetOf(pipeline, candidate) };
      });
    },

    /**
     * Proposes the point of one trial and trains it fold by fold.
     *
     * **Effects**: row in `trials`, out-of-fold rows and learning curves as objects, checkpoints that are removed in the
     * end. **Idempotency**: the first row of (run, candidate, number) stays; stage cache by plan and number, so that
     * another run on the same data goes on where this one was. **Heartbeat**: 1 s with finished folds and the newest
     * checkpoint, from which another attempt goes on. **Retry**: work.
     */
    async runTrial({ runId, plan: planRef, number }: RunTrialInput): Promise<RunTrialResult> {
      return withHeartbeat(async (beat) => {
        const plan = await getDocument(objects, planRef, searchPlanSchema);
        const pipeline = await readPipeline(objects, plan.spec);
        const inputs = { plan: planRef.sha256, number };
        const { isReused, ...result } = await reuseOr(
          db.datasets,
          { stage: "trial", version: TRIAL_VERSION, inputs },
          async () => {
            const split = await getDocument(objects, plan.split, splitDocumentSchema);
            const nSeen = countSeen(number, searchSettingsOf(pipeline).generation);
            const known = await db.trials.list(runId, plan.candidate);
            const earlier = known.filter((trial) => trial.number < nSeen);
            const order = { plan, planHash: planRef.sha256, pipeline, split, number, earlier };
            return deps.cpu.whileTraining(() => runTrial(trialDeps, order, beat));
          },
        );
        const trial = trialViewSchema.parse(result);
        await db.trials.record(runId, trial);
        const value = trial.objectives[0]?.value;
        return { state: trial.state, loss: trial.loss, ...(value === undefined ? {} : { value }), isReused };
      });
    },

    /**
     * Puts the best parameters into the pipeline file that the rest of the run works with.
     *
     * **Effects**: pipeline document. **Idempotency**: content. **Heartbeat**: 1 s. **Errors**: not_enough_data: not one
     * trial of a candidate could be trained. **Retry**: work.
     */
    async chooseTrials({ runId, spec, candidates }: ChooseTrialsInput): Promise<ChooseTrialsResult> {
      return withHeartbeat(async () => {
        const pipeline = await readPipeline(objects, spec);
        const { found, chosen } = await foundPipeline(db.trials, { runId, pipeline, candidates });
        return { spec: await putDocument(objects, found), chosen };
      });
    },
  };
}
