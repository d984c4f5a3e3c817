import { Counter } from "prom-client";
import type { Registry } from "prom-client";
import type { Database } from "../stores/postgres/port.ts";
import { watchSamples } from "./sampled-gauges.ts";

/** Open alerts by asset that are shown; a fleet that fails at once must not drown the scrape. */
const MAX_SERIES = 1_000;

/** Counts alerts for a registry, asked of the database at each scrape; while that is away the last numbers stand. */
export function watchAlerts(
  registry: Registry,
  database: () => Pick<Database, "alerts" | "alertDeliveries">,
): void {
  const outcomes = async () => database().alertDeliveries.counts();
  registry.registerMetric(
    new Counter({
      name: "aura_alert_deliveries_total",
      help: "Alerts told to channels, by what became of it.",
      labelNames: ["channel", "outcome"] as const,
      registers: [],
      async collect() {
        const rows = await outcomes().catch(() => undefined);
        if (rows === undefined) return;
        this.reset();
        for (const { channel, state, n } of rows)
          if (state !== "waiting") this.inc({ channel, outcome: state }, n);
      },
    }),
  );
  const open = async () => database().alerts.openOfRules(MAX_SERIES);
  watchSamples(registry, open, [
    {
      name: "predictive_alert",
      help: `1 for each open alert of a rule, the newest ${MAX_SERIES} of them.`,
      labelNames: ["asset", "rule", "severity"],
      samples: (rows) =>
        rows.map(({ asset, rule, severity }) => [{ asset: asset ?? "", rule: rule ?? "", severity }, 1]),
    },
  ]);
}
