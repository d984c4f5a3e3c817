import { censoredText } from "../../schemas/runs/censored.ts";
import type { Evaluation, GateResult } from "../../schemas/models/model-version.ts";
import { sliceMetricOf } from "../../schemas/models/slice-metric.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";
import { outdatedText } from "./approval.ts";
import type { Approval } from "./approval.ts";
import {
  dataLines,
  intervalsOf,
  metricLines,
  operatingPointLines,
  sliceLines,
  valuesOf,
} from "./evaluation-text.ts";

/** What stands beside the approval on the page. */
export interface CardContext {
  readonly apiUrl: string;
  readonly temporalUiUrl?: string;
  /** Of the run: holds the baseline where an older approval does not. */
  readonly evaluation?: Evaluation;
  /** Where it goes: to stdout where it is what was asked for. Default: stderr. */
  readonly to?: "stdout" | "stderr";
}

/** Name that the evaluation gives to the constant model. */
const BASELINE = "baseline";

/** Shows what is to be decided, on what grounds, and the three ways to decide. */
export function showApproval(output: Output, approval: Approval, context: CardContext): void {
  const { evidence } = approval;
  const { to = "stderr" } = context;
  const note = (text = "") => (to === "stdout" ? output.line(text) : output.note(text));
  note();
  note(output.style("bold", `Approval ${safeText(approval.id)}: promote ${safeText(approval.subject)}?`, to));
  note(`  digest     ${approval.digest}`);
  const known = approval.requesterAuthenticated === false ? " (unauthenticated)" : "";
  note(`  asked by   ${safeText(approval.requestedBy)}${known}, until ${approval.deadline}`);
  if (evidence.candidate !== undefined) note(`  trained    ${safeText(evidence.candidate)}`);
  if (evidence.censored !== undefined) note(`  censored   ${safeText(censoredText(evidence.censored))}`);
  if (evidence.labelConvention !== undefined) note(`  label      ${safeText(evidence.labelConvention)}`);
  if (evidence.metrics !== undefined) {
    note();
    for (const line of approvalMetrics(approval, context.evaluation)) note(`  ${line}`);
  }
  for (const block of evidenceBlocks(approval)) {
    note();
    for (const line of block) note(`  ${line}`);
  }
  note();
  for (const gate of evidence.gates ?? []) note(gateLine(output, gate, to));
  const outdated = approval.state === "waiting" ? outdatedText(approval) : undefined;
  if (outdated !== undefined) note(output.style("yellow", `  ! ${safeText(outdated)}`, to));
  note();
  note("Three ways to decide:");
  for (const line of waysToDecide(approval, context)) note(line);
  note();
}

/** `✓ rmse on test: …`; also printed after a refusal. */
export function gateLine(
  output: Output,
  { name, passed, detail }: GateResult,
  to: "stdout" | "stderr" = "stderr",
): string {
  const mark = passed ? output.style("green", "✓", to) : output.style("red", "✗", to);
  return `  ${mark} ${safeText(name)}: ${safeText(detail)}`;
}

/** The model with its intervals beside the baseline and the champion, a line per metric. */
function approvalMetrics({ evidence, subject }: Approval, evaluation: Evaluation | undefined) {
  const { champion, metrics, intervals = {} } = evidence;
  const baseline = evaluation?.candidates.find(({ name }) => name === BASELINE);
  const baselineTest = evidence.baseline ?? baseline?.test;
  return metricLines(metrics?.test ?? {}, evidence.primaryMetric, [
    ...valuesOf(`${subject} (test)`, metrics?.test),
    ...intervalsOf(intervals),
    ...valuesOf("(cv)", metrics?.cv),
    ...(baselineTest === undefined
      ? valuesOf("baseline (cv)", baseline?.cv)
      : valuesOf("baseline (test)", baselineTest)),
    ...valuesOf(`champion @${champion?.version ?? ""} (test)`, champion?.metrics),
  ]);
}

/** What is to be known beyond the metrics: cost of the threshold, where it is worst, what it was learnt from. */
function evidenceBlocks({ evidence }: Approval): readonly (readonly string[])[] {
  const { operatingPoint, worstSlices, primaryMetric, data = [] } = evidence;
  const slices = worstSlices?.shown ?? [];
  const metric = sliceMetricOf(primaryMetric ?? "", slices);
  return [
    operatingPoint == null ? [] : operatingPointLines(operatingPoint),
    slices.length === 0 || primaryMetric === undefined
      ? []
      : [
          `worst ${slices.length} of ${worstSlices?.of ?? 0} slices by ${metric}:`,
          ...sliceLines(slices, [metric]),
        ],
    dataLines(data),
  ].filter((lines) => lines.length > 0);
}

function waysToDecide(approval: Approval, { apiUrl, temporalUiUrl }: CardContext): readonly string[] {
  const { id, digest, workflowId, policy, requestedBy } = approval;
  const { approvers = [] } = policy;
  const approver = approvers.find((one) => one !== requestedBy) ?? approvers[0] ?? "you@example.com";
  const body = JSON.stringify({
    decisionId: "my-decision-1",
    decision: "approve",
    digest,
    by: approver,
  });
  const ui =
    temporalUiUrl === undefined
      ? `Temporal     workflow ${workflowId}: update \`decide\`, or signal \`approve\` or \`reject\``
      : `Temporal UI  ${temporalUiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)} (signal \`approve\` or \`reject\`)`;
  return [
    `  aura         aura approvals approve ${id} --as ${shellWord(approver)} --reason "looked at it"`,
    `  HTTP         curl -X POST ${apiUrl}/v1/approvals/${encodeURIComponent(id)}/decisions -H 'content-type: application/json' -d ${shellWord(body)}`,
    `  ${ui}`,
  ];
}

/** A text as one word of a POSIX shell, safe to show. */
function shellWord(text: string): string {
  const shown = safeText(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`;
}
