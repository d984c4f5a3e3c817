import type { Registry } from "prom-client";
import { z } from "zod";
import type { DriftStore, DriftVerdictRow } from "../../stores/postgres/port.ts";
import { watchNewestReports } from "../newest-reports.ts";
import type { Checked, ReportGauge } from "../newest-reports.ts";
import type { Sample } from "../sampled-gauges.ts";

/** Columns shown per model, the largest shifts first: a wide table must not drown the scrape. */
const MAX_COLUMNS = 50;

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

type DriftGauge = ReportGauge<DriftVerdictRow, Report>;

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
  { verdict: { model }, report }: Checked<DriftVerdictRow, Report>,
  value: (feature: Report["features"][number]) => number,
): Sample[] {
  const rank = ({ state }: { readonly state: string }) => (state === "drift" ? 0 : 1);
  return (report?.features ?? [])
    .toSorted((a, b) => rank(a) - rank(b) || b.effect - a.effect)
    .slice(0, MAX_COLUMNS)
    .map((feature) => [{ model, column: feature.name }, value(feature)]);
}

/** Shows the newest drift check of each model on a registry. */
export function watchDrift(registry: Registry, drift: () => Pick<DriftStore, "newest" | "get">): void {
  watchNewestReports(registry, { store: drift, schema: reportSchema, gauges: GAUGES });
}
