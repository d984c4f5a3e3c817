import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { Database } from "../../stores/postgres/port.ts";

/** What of maintenance is open, asked of the database at each scrape; while that is away the last numbers stand. */
export function watchMaintenance(
  registry: Registry,
  database: () => Pick<Database, "recommendations">,
): void {
  const counts = async () => database().recommendations.counts();
  registry.registerMetric(
    new Gauge({
      name: "aura_recommendations_open",
      help: "Recommendations to do maintenance that have not ended, by state.",
      labelNames: ["model", "state"] as const,
      registers: [],
      async collect() {
        const found = await counts().catch(() => undefined);
        if (found === undefined) return;
        this.reset();
        for (const { model, state, n } of found.byState) this.set({ model, state }, n);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "aura_recommendations_overdue",
      help: "Recommendations that nobody has decided on by their first deadline.",
      labelNames: ["model"] as const,
      registers: [],
      async collect() {
        const found = await counts().catch(() => undefined);
        if (found === undefined) return;
        this.reset();
        for (const { model, n } of found.overdue) this.set({ model }, n);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "aura_work_orders",
      help: "Work orders there ever were, by state, and closed ones by what came of them.",
      labelNames: ["model", "state", "outcome"] as const,
      registers: [],
      async collect() {
        const found = await counts().catch(() => undefined);
        if (found === undefined) return;
        this.reset();
        for (const { model, state, outcome, n } of found.orders) this.set({ model, state, outcome }, n);
      },
    }),
  );
}
