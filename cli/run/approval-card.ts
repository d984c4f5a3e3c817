import type { Evaluation, GateResult, MetricSet } from "../../schemas/model-version.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import type { Approval } from "./approval.ts";

/** What stands beside the approval on the page. */
export interface CardContext {
  readonly apiUrl: string;
  readonly temporalUiUrl?: string;
  /** Of the run: holds the baseline, which the approval does not. */
  readonly evaluation?: Evaluation;
}

/** Name that the evaluation gives to the constant model. */
const BASELINE = "baseline";

/** Shows what is to be decided, on what grounds, and the three ways to decide; on stderr. */
export function showApproval(output: Output, approval: Approval, context: CardContext): void {
  const { evidence } = approval;
  const note = (text = "") => output.note(text);
  note();
  note(
    output.style(
      "bold",
      `Approval ${safeText(approval.id)}: promote ${safeText(approval.subject)}?`,
      "stderr",
    ),
  );
  note(`  digest     ${approval.digest}`);
  note(`  asked by   ${safeText(approval.requestedBy)}, until ${approval.deadline}`);
  if (evidence.candidate !== undefined) note(`  trained    ${safeText(evidence.candidate)}`);
  if (evidence.metrics !== undefined) {
    note();
    for (const line of metricLines(approval, context.evaluation)) note(line);
  }
  note();
  for (const gate of evidence.gates ?? []) note(gateLine(output, gate));
  note();
  note("Three ways to decide:");
  for (const line of waysToDecide(approval, context)) note(line);
  note();
}

/** `✓ rmse on test: …`; also printed after a refusal. */
export function gateLine(output: Output, { name, passed, detail }: GateResult): string {
  const mark = passed ? output.style("green", "✓", "stderr") : output.style("red", "✗", "stderr");
  return `  ${mark} ${safeText(name)}: ${safeText(detail)}`;
}

/** The model beside the baseline and the champion, a line per metric. */
function metricLines({ evidence, subject }: Approval, evaluation: Evaluation | undefined): readonly string[] {
  const test = evidence.metrics?.test ?? {};
  const baseline = evaluation?.candidates.find(({ name }) => name === BASELINE);
  const columns: readonly (readonly [string, MetricSet | undefined])[] = [
    [`${subject} (test)`, test],
    ["(cv)", evidence.metrics?.cv],
    [
      baseline?.test === undefined ? "baseline (cv)" : "baseline (test)",
      baseline === undefined ? undefined : (baseline.test ?? baseline.cv),
    ],
    [`champion @${evidence.champion?.version ?? ""} (test)`, evidence.champion?.metrics],
  ];
  const shown = columns.filter(([, values]) => values !== undefined);
  const header = ["metric", ...shown.map(([title]) => title)];
  const rows = Object.keys(test).map((metric) => [
    metric === evidence.primaryMetric ? `${metric} *` : metric,
    ...shown.map(([, values]) => numberText(values?.[metric])),
  ]);
  return aligned([header, ...rows]).map((line) => `  ${line}`);
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const cells = rows.map((row) => row.map(safeText));
  const widths = (cells[0] ?? []).map((_title, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
}

export function numberText(value: number | undefined | null): string {
  return value === undefined || value === null ? "-" : String(Number(value.toPrecision(5)));
}

function waysToDecide(approval: Approval, { apiUrl, temporalUiUrl }: CardContext): readonly string[] {
  const { id, digest, workflowId } = approval;
  const body = JSON.stringify({
    decisionId: "my-decision-1",
    decision: "approve",
    digest,
    by: "you@example.com",
  });
  const ui =
    temporalUiUrl === undefined
      ? `Temporal     workflow ${workflowId}: update \`decide\`, or signal \`approve\` or \`reject\``
      : `Temporal UI  ${temporalUiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)} (signal \`approve\` or \`reject\`)`;
  return [
    `  aura         aura approvals approve ${id} --as you@example.com --reason "looked at it"`,
    `  HTTP         curl -X POST ${apiUrl}/v1/approvals/${encodeURIComponent(id)}/decisions -H 'content-type: application/json' -d '${body}'`,
    `  ${ui}`,
  ];
}
