import { defineSearchAttributeKey } from "@temporalio/common";
import { setCurrentDetails, upsertSearchAttributes } from "@temporalio/workflow";
import { SEARCH_ATTRIBUTES } from "../temporal-config/constants.ts";

/** What the Temporal UI shows of a workflow; `null` clears a value. */
export interface Visible {
  readonly pipeline?: string;
  readonly stage?: string;
  readonly model?: string;
  readonly version?: string;
  readonly dataset?: string;
  readonly approval?: string | null;
}

/** Sets search attributes and the markdown that `temporal workflow metadata` and the UI show. */
export function show(attributes: Visible, details?: string): void {
  const pairs = Object.entries(attributes).map(([name, value]) => ({
    key: defineSearchAttributeKey(SEARCH_ATTRIBUTES[name as keyof Visible], "KEYWORD"),
    value: value as string | null,
  }));
  if (pairs.length > 0) upsertSearchAttributes(pairs);
  if (details !== undefined) setCurrentDetails(details);
}
