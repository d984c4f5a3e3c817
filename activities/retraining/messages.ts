import type { RawFile } from "../../schemas/data/dataset.ts";
import type { RetrainTrigger } from "../../schemas/runs/retrain.ts";
import type { Refused } from "../../stores/postgres/port.ts";
import type { PipelineResult, Requester } from "../runs/messages.ts";

/** Something that wants a model trained anew. */
export interface RetrainAsk {
  readonly model: string;
  readonly trigger: RetrainTrigger;
  /** What it is about, ISO 8601: the end of the window that drifted, the schedule's own time. It names the retrain's window. */
  readonly at: string;
  /** Why, for people. */
  readonly detail: string;
  /** Absent: the platform itself. */
  readonly requestedBy?: Requester;
  /** A person's leave to start although the last one is too young. */
  readonly skipCoolDown?: boolean;
}

/** The window of the retrain that is due now, or why none is. */
export type RetrainDue =
  | { readonly isDue: true; readonly window: string }
  | { readonly isDue: false; readonly refused: Refused };

export interface RetrainInput {
  readonly model: string;
  readonly window: string;
  readonly reason: string;
  /** Files that were made of what was stored since; absent: it was not looked for. */
  readonly live?: readonly RawFile[];
}

export interface RetrainFinish {
  readonly model: string;
  readonly window: string;
  readonly state: "finished" | "failed" | "cancelled";
  readonly outcome?: PipelineResult["outcome"];
  readonly message?: string;
}
