import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { Database } from "../stores/postgres/port.ts";

/** Open alerts by asset that are shown; a fleet that fails at once must not drown the scrape. */
const MAX_SERIES = 1_000;

/** Counts alerts for a registry, asked of the database at each scrape; while that is away the last numbers stand. */
export function watchAlerts(registry: Registry, database: () => Pick<Database, "alerts">): void {
  const open = async () => database().alerts.openOfRules(MAX_SERIES);
  registry.registerMetric(
    new Gauge({
      name: "predictive_alert",
      help: `1 for each open alert of a rule, the newest ${MAX_SERIES} of them.`,
      labelNames: ["asset", "rule", "severity"] as const,
      registers: [],
      async collect() {
        const rows = await open().catch(() => undefined);
        if (rows === undefined) return;
        this.reset();
        for (const { asset, rule, severity } of rows)
          this.set({ asset: asset ?? "", rule: rule ?? "", severity }, 1);
      },
    }),
  );
}
