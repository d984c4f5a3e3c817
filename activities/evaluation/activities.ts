import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { reuseOr } from "../stage-cache.ts";
import { workInputs } from "../work-inputs.ts";
import { scoreVersion } from "./champion-score.ts";
import type {
  ChampionScore,
  EvaluateForeignInput,
  EvaluateInput,
  EvaluateResult,
  ScoreChampionInput,
} from "./messages.ts";
import { evaluateForeign } from "./foreign-evaluation.ts";
import { evaluateTrained } from "./model-evaluation.ts";

/** Raised when the same inputs would give other files than before. */
const EVALUATION_VERSION = 13;

/** Evaluation on the frozen holdout, of the new model and of the present champion. */
export function createEvaluationActivities(deps: ActivityDeps) {
  return {
    /**
     * Exports the graph, proves its parity with the trainer, scores the holdout once and writes the version's files.
     *
     * **Effects**: version files, evaluation, report objects. **Idempotency**: content and stage cache. **Heartbeat**:
     * 1 s. **Errors**: parity_failed, model_refused. **Retry**: work.
     */
    async evaluateModel(input: EvaluateInput): Promise<EvaluateResult> {
      const inputs = await workInputs(deps.objects, input);
      return reuseOr(deps.db.datasets, { stage: "evaluate", version: EVALUATION_VERSION, inputs }, () =>
        withHeartbeat((beat) => evaluateTrained(deps, input, beat)),
      );
    },

    /**
     * The same for a graph from elsewhere, which has no trainer to agree with: its own answers must be equal alone and in
     * any batch, and become the golden vectors.
     *
     * **Effects**: as evaluateModel. **Idempotency**: content and stage cache. **Heartbeat**: 1 s. **Errors**:
     * parity_failed, model_refused, model_output_invalid. **Retry**: work.
     */
    async evaluateForeignModel(input: EvaluateForeignInput): Promise<EvaluateResult> {
      const inputs = await workInputs(deps.objects, input);
      const step = { stage: "evaluate-foreign", version: EVALUATION_VERSION, inputs };
      return reuseOr(deps.db.datasets, step, () =>
        withHeartbeat((beat) => evaluateForeign(deps, input, beat)),
      );
    },

    /**
     * The present champion on the same frozen rows and the same truth, through its own view and fitted state.
     *
     * **Effects**: none beyond cached features. **Idempotency**: pure. **Heartbeat**: 1 s. **Errors**: conflict when the
     * champion answers another question. **Retry**: work.
     */
    async scoreChampion(input: ScoreChampionInput): Promise<ChampionScore> {
      const champion = await deps.db.registry.champion(input.model);
      if (champion === undefined) return null;
      return withHeartbeat((beat) => scoreVersion(deps, champion, { input, beat }));
    },
  };
}
