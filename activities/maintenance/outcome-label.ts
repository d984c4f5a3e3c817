import { parseIsoMicros } from "../../schemas/text/iso-time.ts";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import type { WorkOrder, WorkOutcome, WorkOutcomeDetails } from "../../schemas/maintenance/work-order.ts";
import type { NewLabel } from "../../schemas/serving/observed-label.ts";

/**
 * What an outcome says of the asset:
 *
 * | result | label | why |
 * |---|---|---|
 * | confirmed | `failure` at `failedAt`, else `seenAt` | the asset or the part had failed |
 * | replaced_part | `replacement` at `seenAt` | a life ended without a failure: when it would have failed, nobody will know |
 * | false_alarm, no_fault_found | `event_free` at `seenAt` | it was seen working, so it had not failed until then; of later it says nothing |
 * | not_done | none | nobody looked |
 */
const KINDS: Readonly<Record<WorkOutcome, NewLabel["kind"] | undefined>> = {
  confirmed: "failure",
  replaced_part: "replacement",
  false_alarm: "event_free",
  no_fault_found: "event_free",
  not_done: undefined,
};

/**
 * The label of a closed order, the same each time it is asked for.
 *
 * @param latest the newest answer of the case: where time is a cycle, it is the present one
 * @returns undefined: nothing is known of the asset
 */
export function outcomeLabel(
  { id, asset, closedAt }: Pick<WorkOrder, "id" | "asset" | "closedAt">,
  outcome: WorkOutcomeDetails,
  latest: Pick<Answer, "t" | "timeKind">,
): NewLabel | undefined {
  const kind = KINDS[outcome.result];
  if (kind === undefined) return undefined;
  const said = (kind === "failure" ? outcome.failedAt : undefined) ?? outcome.seenAt;
  const { timeKind } = latest;
  return {
    id: `work_order/${id}`,
    kind,
    asset,
    t: timeOf(said, { latest, closedAt }),
    timeKind,
    predictionId: null,
    column: null,
    value: null,
    mode: kind === "event_free" ? null : (outcome.mode ?? outcome.part ?? null),
    source: "work_order",
    reference: id,
    supersedes: null,
  };
}

function timeOf(
  said: string | number | undefined,
  { latest, closedAt }: { readonly latest: Pick<Answer, "t" | "timeKind">; readonly closedAt: string | null },
): number {
  if (latest.timeKind === "cycle") return typeof said === "number" ? said : latest.t;
  const micros = typeof said === "string" ? parseIsoMicros(said) : undefined;
  return micros ?? Date.parse(closedAt ?? "") * 1_000;
}
