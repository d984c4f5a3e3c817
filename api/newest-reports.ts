import type { Registry } from "prom-client";
import type { z } from "zod";
import { watchSamples } from "./sampled-gauges.ts";
import type { Sample, SampledGauge } from "./sampled-gauges.ts";

/** Models shown: many must not drown the scrape. */
const MAX_MODELS = 100;

/** The newest check of a model. */
export interface Checked<Verdict, Report> {
  readonly verdict: Verdict;
  /** undefined: of a form that is not known. */
  readonly report: Report | undefined;
}

export interface ReportGauge<Verdict, Report> extends Omit<SampledGauge<unknown>, "samples"> {
  readonly values: (checked: Checked<Verdict, Report>) => readonly Sample[];
}

interface ReportStore<Verdict> {
  newest(): Promise<Verdict[]>;
  get(id: string): Promise<{ readonly report: unknown } | undefined>;
}

interface WatchedReports<Verdict, Report> {
  readonly store: () => ReportStore<Verdict>;
  /** Of what is shown of a report. */
  readonly schema: z.ZodType<Report>;
  readonly gauges: readonly ReportGauge<Verdict, Report>[];
}

/**
 * Shows the newest check of each model on a registry, asked of the database once a scrape; while that is away the last
 * numbers stand. A report is read once and kept until a newer one is there.
 */
export function watchNewestReports<Verdict extends { readonly id: string; readonly model: string }, Report>(
  registry: Registry,
  { store, schema, gauges }: WatchedReports<Verdict, Report>,
): void {
  const reader = new NewestReports(store, schema);
  watchSamples(
    registry,
    () => reader.read(),
    gauges.map(({ values, ...gauge }) => ({
      ...gauge,
      samples: (checked: readonly Checked<Verdict, Report>[]) => checked.flatMap(values),
    })),
  );
}

class NewestReports<Verdict extends { readonly id: string; readonly model: string }, Report> {
  readonly #store: () => ReportStore<Verdict>;
  readonly #schema: z.ZodType<Report>;
  #known = new Map<string, Checked<Verdict, Report>>();

  constructor(store: () => ReportStore<Verdict>, schema: z.ZodType<Report>) {
    this.#store = store;
    this.#schema = schema;
  }

  async read(): Promise<Checked<Verdict, Report>[]> {
    const store = this.#store();
    const newest = (await store.newest()).slice(0, MAX_MODELS);
    const checked = await Promise.all(
      newest.map(async (verdict): Promise<Checked<Verdict, Report>> => {
        const before = this.#known.get(verdict.model);
        if (before?.verdict.id === verdict.id) return before;
        const { data } = this.#schema.safeParse((await store.get(verdict.id))?.report);
        return { verdict, report: data };
      }),
    );
    this.#known = new Map(checked.map((one) => [one.verdict.model, one]));
    return checked;
  }
}
