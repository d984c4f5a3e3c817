import type { Registry } from "prom-client";
import type { Database } from "../../stores/postgres/port.ts";
import { watchSamples } from "../sampled-gauges.ts";

/** What of maintenance is open, asked of the database at each scrape; while that is away the last numbers stand. */
export function watchMaintenance(
  registry: Registry,
  database: () => Pick<Database, "recommendations">,
): void {
  const counts = async () => database().recommendations.counts();
  watchSamples(registry, counts, [
    {
      name: "aura_recommendations_open",
      help: "Recommendations to do maintenance that have not ended, by state.",
      labelNames: ["model", "state"],
      samples: ({ byState }) => byState.map(({ model, state, n }) => [{ model, state }, n]),
    },
    {
      name: "aura_recommendations_overdue",
      help: "Recommendations that nobody has decided on by their first deadline.",
      labelNames: ["model"],
      samples: ({ overdue }) => overdue.map(({ model, n }) => [{ model }, n]),
    },
    {
      name: "aura_work_orders",
      help: "Work orders there ever were, by state, and closed ones by what came of them.",
      labelNames: ["model", "state", "outcome"],
      samples: ({ orders }) => orders.map(({ model, state, outcome, n }) => [{ model, state, outcome }, n]),
    },
  ]);
}
