import type { Answer } from "../../schemas/maintenance/answer.ts";
import { spanText } from "../../schemas/pipeline/time.ts";
import type { Recommendation } from "../../schemas/maintenance/recommendation.ts";
import { timeText } from "../list-view.ts";
import { safeText } from "../output.ts";
import type { Output } from "../output.ts";

const short = (x: number): string => String(Number(x.toPrecision(3)));

/** An answer as people read it. */
export function answerText({ kind, value, unit, class: label, interval, horizon }: Answer): string {
  if (kind === "remaining") {
    const range = interval === undefined ? "" : ` (${short(interval.low)} to ${short(interval.high)})`;
    return `${short(value)} ${unit ?? ""} left${range}`;
  }
  if (kind === "anomaly") return `score ${short(value)}`;
  const within = horizon === undefined ? "" : ` within ${spanText(horizon)}`;
  return label === undefined ? `p ${short(value)}${within}` : `${label}, p ${short(value)}`;
}

/** Prints a recommendation whole. */
export function showRecommendation(output: Output, row: Recommendation): void {
  const line = (text: string) => output.line(safeText(text));
  line(`${row.id} is ${row.state}: ${row.asset}, ${row.model}@${row.version}`);
  if (row.reason !== null) line(`  ended     as ${row.reason}`);
  const { assessment } = row;
  if (assessment === null) {
    if (row.closedAt === null) line("  being worked out");
    return;
  }
  line(`  do        ${assessment.action}`);
  line(`  critical  ${assessment.isCritical ? "yes: a named person decides" : "no"}`);
  if (assessment.due !== null) {
    const { by, risk, isOverdue } = assessment.due;
    const when = typeof by === "number" ? `cycle ${by}` : timeText(by);
    line(
      `  begin by  ${when}, for a risk of at most ${short(risk * 100)} %${isOverdue ? "; that is past" : ""}`,
    );
  }
  showCosts(line, assessment);
  for (const answer of row.evidence)
    line(
      `  answer    ${answerText(answer)} at ${timeText(answer.at)}  ${answer.predictionId ?? answer.scoreId ?? ""}`,
    );
  line(`  now       ${answerText(row.latest)} at ${timeText(row.latest.at)}`);
  for (const { feature, value, contribution } of assessment.reasons ?? [])
    line(`  because   ${feature} is ${valueText(value)} (${short(contribution)})`);
  if (assessment.reasonsMissing !== null) line(`  because   not known: ${assessment.reasonsMissing}`);
  if (row.deciders !== null)
    line(
      `  deciders  ${row.deciders.approvers.join(", ") || "any approver"} (quorum ${row.deciders.quorum})`,
    );
  if (row.approvalId !== null) line(`  approval  ${row.approvalId}`);
  if (row.decidedBy.length > 0) line(`  decided   by ${row.decidedBy.join(", ")}`);
  if (row.workOrderId !== null) line(`  order     ${row.workOrderId}`);
  if (row.outcome !== null) line(`  outcome   ${row.outcome}`);
}

function valueText(value: number | string | null): string {
  return typeof value === "number" ? short(value) : (value ?? "missing");
}

function showCosts(
  line: (text: string) => void,
  { costs, costsMissing }: NonNullable<Recommendation["assessment"]>,
): void {
  if (costs === null) {
    line(`  cost      not available: ${costsMissing ?? ""}`);
    return;
  }
  const money = (amount: number) => `${Math.round(amount)} ${costs.currency}`;
  line(
    `  cost      acting ${money(costs.acting)}, waiting ${money(costs.waiting)} ` +
      `(failure before the next opportunity with probability ${short(costs.probability)}): ${costs.advice}`,
  );
}
