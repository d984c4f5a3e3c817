import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

export type Sample = readonly [labels: Record<string, string>, value: number];

/** A gauge whose values are taken from what is read at each scrape. */
export interface SampledGauge<Found> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly samples: (found: Found) => readonly Sample[];
}

/** Adds gauges to a registry that share one reading a scrape; while nothing can be read the last numbers stand. */
export function watchSamples<Found>(
  registry: Registry,
  read: () => Promise<Found>,
  gauges: readonly SampledGauge<Found>[],
): void {
  let reading: Promise<Found> | undefined;
  const readOnce = (): Promise<Found> => (reading ??= read().finally(() => (reading = undefined)));
  for (const { name, help, labelNames, samples } of gauges) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        async collect() {
          const found = await readOnce().catch(() => undefined);
          if (found === undefined) return;
          this.reset();
          for (const [labels, value] of samples(found)) this.set(labels, value);
        },
      }),
    );
  }
}
