import type { Registry } from "prom-client";
import type { Retrain } from "../../schemas/runs/retrain.ts";
import type { RetrainStore } from "../../stores/postgres/port.ts";
import { watchSamples } from "../sampled-gauges.ts";
import type { SampledGauge } from "../sampled-gauges.ts";

/** Retrains looked through for the newest of each model, and models shown: many must not drown the scrape. */
const LOOKED_THROUGH = 1_000;
const MAX_MODELS = 100;

const GAUGES: readonly SampledGauge<readonly Retrain[]>[] = [
  {
    name: "aura_retrain_state",
    help: "1 for how the newest retrain of a model stands: asked, running, the outcome of its run, failed or cancelled.",
    labelNames: ["model", "trigger", "state"],
    samples: (newest) =>
      newest.map(({ model, trigger, state, outcome }) => [{ model, trigger, state: outcome ?? state }, 1]),
  },
  {
    name: "aura_retrain_asked_seconds",
    help: "When the newest retrain of a model was asked for, seconds since 1970.",
    labelNames: ["model"],
    samples: (newest) => newest.map(({ model, askedAt }) => [{ model }, Date.parse(askedAt) / 1_000]),
  },
];

/** Adds the newest retrain of each model to the metrics; while the database is away the last values stay. */
export function watchRetrains(registry: Registry, retrains: () => Pick<RetrainStore, "list">): void {
  watchSamples(registry, () => newestOf(retrains), GAUGES);
}

async function newestOf(retrains: () => Pick<RetrainStore, "list">): Promise<readonly Retrain[]> {
  const byModel = new Map<string, Retrain>();
  for (const retrain of await retrains().list({ limit: LOOKED_THROUGH }))
    if (!byModel.has(retrain.model)) byModel.set(retrain.model, retrain);
  return [...byModel.values()].slice(0, MAX_MODELS);
}
