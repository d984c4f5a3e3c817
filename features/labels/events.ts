import { onlyWhen } from "../sql-text.ts";
import type { LabelPlan } from "./label-plan.ts";
import { rulSql } from "./label-sql.ts";
import type { LabelContext, LabelSql } from "./label-sql.ts";

/**
 * Time to the next failure event strictly after t.
 *
 * `failure_within`: 1 when it lies in (t, t + horizon]; 0 when it lies later or the asset is still observed at
 * t + horizon; NULL (censored) when the readings end before that without a failure. `rul`: NULL without a next failure.
 */
export function eventsLabelSql(
  label: Extract<LabelPlan, { kind: "events" }>,
  context: LabelContext,
): LabelSql {
  const { plan, view } = context;
  const remaining = `(${plan.nextEvent(label.failures)} - b.__t)`;
  const repaired =
    label.ignoreAfter === undefined
      ? "false"
      : `coalesce(b.__t - ${plan.eventsUntil(label.failures).time} <= ${label.ignoreAfter}, false)`;
  const used = (value: string) => onlyWhen(`NOT ${repaired}`, value);
  if (label.target.task === "rul") {
    const { y, raw } = rulSql(remaining, label.target, view);
    return { y: used(y), raw: used(raw) };
  }
  const { horizon } = label.target;
  const last = plan.window("max(__t)", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
  const y = used(
    `CASE WHEN ${remaining} <= ${horizon} THEN 1e0 WHEN ${remaining} > ${horizon} OR ${last} >= b.__t + ${horizon} THEN 0e0 END`,
  );
  return { y, raw: y };
}
