import type { DecideInput } from "./messages.ts";

const MOST_NAME_CHARACTERS = 128;
const MOST_REASON_CHARACTERS = 2_000;

/**
 * Whether what somebody sent straight to Temporal is a decision at all. An activity given anything else would fail as
 * by a defect and be retried for a day.
 *
 * @throws {Error} naming the member: in an update's validator that refuses the update
 */
export function checkDecisionShape(given: DecideInput): void {
  const { decision, by, reason, digest }: { readonly [K in keyof DecideInput]?: unknown } = given;
  if (decision !== "approve" && decision !== "reject")
    throw new Error("decision: expected approve or reject");
  if (!isText(by, MOST_NAME_CHARACTERS) || by === "") throw new Error("by: expected your name");
  if (reason !== undefined && !isText(reason, MOST_REASON_CHARACTERS))
    throw new Error(`reason: expected at most ${MOST_REASON_CHARACTERS} characters`);
  if (digest !== undefined && !isText(digest, MOST_NAME_CHARACTERS))
    throw new Error("digest: expected the digest that was looked at");
}

/** Text that PostgreSQL can store. */
function isText(value: unknown, mostCharacters: number): value is string {
  return (
    typeof value === "string" &&
    value.length <= mostCharacters &&
    !value.includes("\0") &&
    value.isWellFormed()
  );
}
