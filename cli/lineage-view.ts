import { z } from "zod";
import { safeText } from "./output.ts";
import type { Output } from "./output.ts";

/** `Lineage` as the API gives it. */
export const lineageSchema = z.looseObject({
  prediction: z
    .looseObject({
      predictionId: z.string(),
      asset: z.string().nullable(),
      at: z.string(),
      value: z.number(),
    })
    .optional(),
  versions: z.array(z.looseObject({ model: z.string(), version: z.number(), digest: z.string() })),
  runs: z.array(z.looseObject({ runId: z.string(), workflowId: z.string() })),
  approvals: z.array(z.looseObject({ id: z.string(), state: z.string(), by: z.array(z.string()) })),
  datasets: z.array(z.string()),
  files: z.array(z.looseObject({ name: z.string(), sha256: z.string() })),
  predictions: z.number(),
});
export type Lineage = z.infer<typeof lineageSchema>;

/** Longest list of one kind; the rest is counted. `--json` has all. */
const MAX_SHOWN = 20;

/** Prints where something came from and what came of it, a line each. */
export function showLineage(output: Output, lineage: Lineage): void {
  const { prediction } = lineage;
  if (prediction !== undefined) {
    const asset = prediction.asset === null ? "" : ` of ${prediction.asset}`;
    line(output, "prediction", `${prediction.predictionId}${asset} at ${prediction.at}: ${prediction.value}`);
  }
  showSome(output, "model", lineage.versions, (v) => `${v.model}@${v.version}  digest ${v.digest}`);
  showSome(
    output,
    "approval",
    lineage.approvals,
    (a) => `${a.id} ${a.state} by ${a.by.join(", ") || "nobody"}`,
  );
  showSome(output, "run", lineage.runs, (r) => `${r.runId}  ${r.workflowId}`);
  showSome(output, "dataset", lineage.datasets, (id) => id);
  showSome(output, "raw file", lineage.files, (f) => `${f.name}  sha256 ${f.sha256}`);
  if (prediction === undefined) line(output, "predictions", String(lineage.predictions));
}

function showSome<T>(output: Output, kind: string, rows: readonly T[], text: (row: T) => string): void {
  for (const row of rows.slice(0, MAX_SHOWN)) line(output, kind, text(row));
  if (rows.length > MAX_SHOWN) line(output, kind, `and ${rows.length - MAX_SHOWN} more`);
}

function line(output: Output, kind: string, text: string): void {
  output.line(`${kind.padEnd(12)}${safeText(text)}`);
}
