import type { EnvelopeFinding } from "../../schemas/models/envelope-finding.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import type { GateDecision } from "./gates.ts";
import type { GateOutcome } from "./messages.ts";

/** The conditions of a change envelope as gates of the version, after its own. */
export function withEnvelope(decision: GateDecision, envelope: EnvelopeFinding | undefined): GateDecision {
  if (envelope === undefined) return decision;
  const gates = envelope.items.map(({ item, allowed, found, inside }) => ({
    name: `envelope: ${item}`,
    passed: inside,
    detail: `${item} ${found}, allowed ${allowed}`,
  }));
  const outside = gates.filter(({ passed }) => !passed);
  const all = [...decision.gates, ...gates];
  if (outside.length === 0) return { ...decision, gates: all };
  const found = `outside the change envelope: ${outside.map(({ detail }) => detail).join("; ")}`;
  return { passed: false, gates: all, message: decision.passed ? found : `${decision.message}; ${found}` };
}

/** Who decides on a version inside the envelope. */
export function lighterApproval(
  { retraining }: Pick<Pipeline, "retraining">,
  envelope: EnvelopeFinding | undefined,
): Pick<GateOutcome, "approval"> {
  const policy = retraining.envelope?.approval;
  if (envelope?.inside !== true || policy === undefined) return {};
  return {
    approval: {
      policy,
      deadlineMs: durationMs(policy.deadline),
      reminderMs: durationMs(policy.reminder),
    },
  };
}
