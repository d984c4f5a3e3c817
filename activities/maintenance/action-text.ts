import { isOfPattern } from "../../alerting/text-pattern.ts";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import type { Assessment } from "../../schemas/maintenance/recommendation.ts";
import { spanText } from "../../schemas/pipeline/time.ts";
import { ACTION_PLACEHOLDERS } from "../../schemas/pipeline/maintenance.ts";
import type { MaintenancePolicy } from "../../schemas/pipeline/maintenance.ts";

export interface ActionCase {
  readonly answer: Answer;
  readonly due: Assessment["due"];
  /** That moved the answer most, where it is known. */
  readonly feature?: string;
}

const DEFAULT_ACTION = "Inspect {asset}: {model} answers {answer}.";
const MOST_CHARACTERS = 4_000;

/** What the policy says is to be done: the first action that fits, its placeholders filled in. Nothing is evaluated. */
export function actionText({ actions }: MaintenancePolicy, given: ActionCase): string {
  const { answer, feature } = given;
  const found = actions.find(
    (one) =>
      (one.class === undefined || (answer.class !== undefined && isOfPattern(answer.class, one.class))) &&
      (one.feature === undefined || (feature !== undefined && isOfPattern(feature, one.feature))),
  );
  const words = wordsOf(given);
  // One pass: what is filled in is data, and no template of its own.
  const pattern = new RegExp(`\\{(${ACTION_PLACEHOLDERS.join("|")})\\}`, "g");
  return (found?.do ?? DEFAULT_ACTION)
    .replaceAll(pattern, (_, name: (typeof ACTION_PLACEHOLDERS)[number]) => words[name])
    .slice(0, MOST_CHARACTERS);
}

function wordsOf({ answer, due, feature }: ActionCase): Record<(typeof ACTION_PLACEHOLDERS)[number], string> {
  return {
    asset: answer.asset,
    model: `${answer.model}@${answer.version}`,
    answer: answerText(answer),
    by: due === null ? "as soon as it can be arranged" : dueText(due),
    class: answer.class ?? "unknown",
    feature: feature ?? "unknown",
  };
}

/** The answer in words, e.g. `failure within 48h with probability 0.82`. */
export function answerText({ kind, value, unit, class: label, interval, horizon }: Answer): string {
  const number = (x: number) => String(Number(x.toPrecision(3)));
  if (kind === "remaining") {
    const about = interval === undefined ? "" : ` (${number(interval.low)} to ${number(interval.high)})`;
    return `remaining life ${number(value)} ${unit ?? ""}${about}`.trim();
  }
  if (kind === "anomaly") return `anomaly score ${number(value)}`;
  const within = horizon === undefined ? "" : ` within ${spanText(horizon)}`;
  return label === undefined
    ? `failure${within} with probability ${number(value)}`
    : `${label} (probability ${number(value)})`;
}

export const dueText = ({ by }: NonNullable<Assessment["due"]>): string =>
  typeof by === "number" ? `cycle ${by}` : by.replace(/\.\d+Z$/, "Z");
