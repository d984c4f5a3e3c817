import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { z } from "zod";
import type { DriftStore, DriftVerdictRow } from "../../stores/postgres/port.ts";

/** Columns shown per model, the largest shifts first, and models: a wide table must not drown the scrape. */
const MAX_COLUMNS = 50;
const MAX_MODELS = 100;

/** What of a report is shown. */
const reportSchema = z.looseObject({
  nDrifted: z.number(),
  features: z.array(
    z.looseObject({
      name: z.string(),
      state: z.string(),
      effect: z.number(),
      psiCorrected: z.number(),
      q: z.number(),
    }),
  ),
  reconstruction: z.looseObject({ effect: z.number().nullable() }).optional(),
});
type Report = z.infer<typeof reportSchema>;

interface Checked {
  readonly verdict: DriftVerdictRow;
  /** undefined: of a form that is not known. */
  readonly report: Report | undefined;
}

interface DriftGauge {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly values: (
    checked: Checked,
  ) => readonly (readonly [labels: Record<string, string>, value: number])[];
}

const OF_COLUMNS = `by column, the ${MAX_COLUMNS} largest shifts of each model.`;

const GAUGES: readonly DriftGauge[] = [
  {
    name: "aura_drift_window_end_seconds",
    help: "End of the window of the newest drift check, seconds since 1970.",
    labelNames: ["model"],
    values: ({ verdict: { model, windowEnd } }) => [[{ model }, Date.parse(windowEnd) / 1_000]],
  },
  {
    name: "aura_drift_state",
    help: "1 for what the newest drift check came to: ok, drift or insufficient_data.",
    labelNames: ["model", "version", "state"],
    values: ({ verdict: { model, version, state } }) => [[{ model, version: String(version), state }, 1]],
  },
  {
    name: "aura_drift_confirmed",
    help: "1 where windows in a row found the same drift.",
    labelNames: ["model"],
    values: ({ verdict: { model, confirmed } }) => [[{ model }, confirmed ? 1 : 0]],
  },
  {
    name: "aura_drift_rows",
    help: "Predictions that the newest drift check looked at.",
    labelNames: ["model"],
    values: ({ verdict: { model, rows } }) => [[{ model }, rows]],
  },
  {
    name: "aura_drift_columns",
    help: "Inputs and answers that drift in the newest check.",
    labelNames: ["model"],
    values: ({ verdict: { model }, report }) => (report === undefined ? [] : [[{ model }, report.nDrifted]]),
  },
  {
    name: "aura_drift_reconstruction_effect",
    help: "Change of the reconstruction error over all inputs, in deviations of a row's error.",
    labelNames: ["model"],
    values: ({ verdict: { model }, report }) => {
      const effect = report?.reconstruction?.effect ?? null;
      return effect === null ? [] : [[{ model }, effect]];
    },
  },
  {
    name: "aura_drift_effect",
    help: `Effect of the newest drift check, ${OF_COLUMNS}`,
    labelNames: ["model", "column"],
    values: (checked) => ofColumns(checked, ({ effect }) => effect),
  },
  {
    name: "aura_drift_psi",
    help: `PSI less its mean without drift, ${OF_COLUMNS}`,
    labelNames: ["model", "column"],
    values: (checked) => ofColumns(checked, ({ psiCorrected }) => psiCorrected),
  },
  {
    name: "aura_drift_q",
    help: `q of the newest drift check, ${OF_COLUMNS}`,
    labelNames: ["model", "column"],
    values: (checked) => ofColumns(checked, ({ q }) => q),
  },
];

function ofColumns(
  { verdict: { model }, report }: Checked,
  value: (feature: Report["features"][number]) => number,
): (readonly [Record<string, string>, number])[] {
  const rank = ({ state }: { readonly state: string }) => (state === "drift" ? 0 : 1);
  return (report?.features ?? [])
    .toSorted((a, b) => rank(a) - rank(b) || b.effect - a.effect)
    .slice(0, MAX_COLUMNS)
    .map((feature) => [{ model, column: feature.name }, value(feature)]);
}

/**
 * Shows the newest drift check of each model on a registry, asked of the database once a scrape; while that is away the
 * last numbers stand. A report is read once and kept until a newer one is there.
 */
export function watchDrift(registry: Registry, drift: () => Pick<DriftStore, "newest" | "get">): void {
  const reader = new NewestChecks(drift);
  for (const { name, help, labelNames, values } of GAUGES) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        async collect() {
          const checked = await reader.read().catch(() => undefined);
          if (checked === undefined) return;
          this.reset();
          for (const [labels, value] of checked.flatMap(values)) this.set(labels, value);
        },
      }),
    );
  }
}

/** The newest checks; all gauges of one scrape share one reading. */
class NewestChecks {
  readonly #drift: () => Pick<DriftStore, "newest" | "get">;
  #known = new Map<string, Checked>();
  #reading: Promise<Checked[]> | undefined;

  constructor(drift: () => Pick<DriftStore, "newest" | "get">) {
    this.#drift = drift;
  }

  read(): Promise<Checked[]> {
    this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #readNow(): Promise<Checked[]> {
    const drift = this.#drift();
    const newest = (await drift.newest()).slice(0, MAX_MODELS);
    const checked = await Promise.all(
      newest.map(async (verdict): Promise<Checked> => {
        const before = this.#known.get(verdict.model);
        if (before?.verdict.id === verdict.id) return before;
        const { data } = reportSchema.safeParse((await drift.get(verdict.id))?.report);
        return { verdict, report: data };
      }),
    );
    this.#known = new Map(checked.map((one) => [one.verdict.model, one]));
    return checked;
  }
}
