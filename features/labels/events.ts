import { onlyWhen } from "../sql-text.ts";
import type { LabelPlan } from "./label-plan.ts";
import { censoredRulSql, rulSql } from "./label-sql.ts";
import type { LabelContext, LabelSql } from "./label-sql.ts";

/**
 * Time to the next failure event strictly after t.
 *
 * `failure_within`: 1 when it lies in (t, t + horizon]; 0 when it lies later or the asset is still observed at
 * t + horizon; NULL (censored) when the readings end before that without a failure. `rul`: without a next failure NULL,
 * or a lower bound, the time to the asset's last reading. A replacement ends what is seen of a life.
 */
export function eventsLabelSql(
  label: Extract<LabelPlan, { kind: "events" }>,
  context: LabelContext,
): LabelSql {
  const { plan, view } = context;
  const failure = plan.nextEvent(label.failures);
  const replacement = label.replacements === undefined ? undefined : plan.nextEvent(label.replacements);
  // What fails and is replaced at one time has failed.
  const own =
    replacement === undefined
      ? failure
      : onlyWhen(`${replacement} IS NULL OR ${failure} <= ${replacement}`, failure);
  const remaining = `(${own} - b.__t)`;
  const repaired =
    label.ignoreAfter === undefined
      ? "false"
      : `coalesce(b.__t - ${plan.eventsUntil(label.failures).time} <= ${label.ignoreAfter}, false)`;
  const used = (value: string) => onlyWhen(`NOT ${repaired}`, value);
  const lastSeen = () => {
    const last = plan.window("max(__t)", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
    // least() leaves a missing time out.
    return replacement === undefined ? last : `least(${last}, ${replacement})`;
  };
  if (label.target.task === "rul") {
    if (label.keepsCensored !== true) {
      const { y, raw } = rulSql(remaining, label.target, view);
      return { y: used(y), raw: used(raw) };
    }
    const seen = `(${lastSeen()} - b.__t)`;
    const { y, raw, more = [] } = censoredRulSql({ remaining, seen }, label.target, view);
    return { y: used(y), raw: used(raw), more: more.map(({ name, sql }) => ({ name, sql: used(sql) })) };
  }
  const { horizon } = label.target;
  const last = lastSeen();
  const y = used(
    `CASE WHEN ${remaining} <= ${horizon} THEN 1e0 WHEN ${remaining} > ${horizon} OR ${last} >= b.__t + ${horizon} THEN 0e0 END`,
  );
  return { y, raw: y };
}
