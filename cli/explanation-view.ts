import { z } from "zod";
import { answerExplanationSchema } from "../schemas/serving/explanation.ts";
import { safeText } from "./output.ts";
import type { Output } from "./output.ts";
import { aligned, numberText } from "./run/evaluation-text.ts";

export const tracedExplanationSchema = z.looseObject({
  predictionId: z.string(),
  value: z.number(),
  explanation: answerExplanationSchema,
});
export type TracedExplanation = z.infer<typeof tracedExplanationSchema>;

/** What moved an answer from the expected score to its own, a line per feature. */
export function showExplanation(output: Output, { value, explanation }: TracedExplanation): void {
  const { unit, before, expected, rawScore, contributions, others } = explanation;
  const of =
    explanation.class !== undefined
      ? ` of class ${explanation.class}`
      : explanation.horizon === undefined
        ? ""
        : ` of the median at ${explanation.horizon}`;
  output.line();
  output.line(output.style("bold", safeText(`why${of} [${unit}]`)));
  const signed = (part: number): string => `${part < 0 ? "−" : "+"}${numberText(Math.abs(part))}`;
  const lines = aligned([
    ["expected", "", numberText(expected)],
    ...contributions.map(({ feature, value: at, unit: ofValue, contribution }) => [
      feature,
      at === null
        ? "missing"
        : `${typeof at === "number" ? numberText(at) : at}${ofValue === undefined ? "" : ` ${ofValue}`}`,
      signed(contribution),
    ]),
    ["all others", "", signed(others)],
    ["raw score", "", numberText(rawScore)],
  ]);
  for (const line of lines) output.line(`  ${line}`);
  if (before.length === 0) return;
  const steps = before.map((step) => step.replaceAll("_", " ")).join(", ");
  output.line(`  the answer ${numberText(value)} follows from the raw score by: ${steps}`);
}
