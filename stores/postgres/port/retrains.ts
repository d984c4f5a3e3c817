import type { RefusalCode, Retrain, RetrainRefusal, RetrainTrigger } from "../../../schemas/runs/retrain.ts";
import type { AuditEntry } from "./actor.ts";

/** Something that wants a model trained anew. */
export interface RetrainRequest {
  readonly model: string;
  readonly trigger: RetrainTrigger;
  /** Names the retrain beside its model. */
  readonly window: string;
  readonly reason: string;
  readonly requestedBy: { readonly id: string; readonly authenticated: boolean };
  /** Idempotency: the same key again gets the same answer. */
  readonly requestKey: string;
  /** None starts so long after the one before was asked for; 0 for a person who says so. */
  readonly coolDownMs: number;
  /**
   * Of a schedule: its own time, ISO 8601. The cool-down is held against it and not against the clock, and the next one's counts
   * from it: each tick is asked for some moments after its time, now more and now fewer.
   */
  readonly tick?: string;
}

/** Why a retrain does not start now, and when it may. */
export interface Refused {
  readonly code: RefusalCode;
  readonly message: string;
  /** ISO 8601; null where that is not known. */
  readonly possibleAt: string | null;
}

export type RetrainAnswer = { readonly window: string } | { readonly refused: Refused };

export interface RetrainEnd {
  readonly state: "finished" | "failed" | "cancelled";
  /** Of the run, where there was one. */
  readonly outcome?: string;
  readonly message?: string;
}

/**
 * Retrains of models: at most one of a model is open, and one is made per model and window. The database holds both, whoever
 * asks and however many at once; every change writes its audit row in the same transaction.
 */
export interface RetrainStore {
  /**
   * Opens a retrain, unless one is open, a run of the model goes on, or the last one is too young. A refusal is recorded,
   * repeated ones as one row with their number. Requests of one model are answered one after the other.
   */
  ask(request: RetrainRequest, audit: AuditEntry): Promise<RetrainAnswer>;
  /** Records what was refused before anything was asked of the database. */
  refuse(request: Pick<RetrainRequest, "model" | "trigger" | "requestKey">, refused: Refused): Promise<void>;
  /**
   * A retrain begins its work. One that nobody asked for here, as it was started through Temporal itself, is opened now.
   *
   * @returns who asked for it
   * @throws {PlatformError} conflict: another one of the model is open, or this one is over
   */
  begin(
    retrain: Pick<RetrainRequest, "model" | "window" | "reason">,
    audit: AuditEntry,
  ): Promise<RetrainRequest["requestedBy"]>;
  /** The first end stands. */
  finish(
    retrain: Pick<RetrainRequest, "model" | "window">,
    end: RetrainEnd,
    audit: AuditEntry,
  ): Promise<void>;
  /**
   * Labels that were stored since a version was registered, or since the last retrain of its model was asked for: of failures, replaced
   * parts, classes and values, of assets that it was trained on and of its model's predictions.
   */
  newLabels(model: string, version: number): Promise<number>;
  /** Not ended yet; at most one. */
  open(model: string): Promise<Retrain | undefined>;
  /** Newest first. */
  list(filter: { readonly model?: string; readonly limit: number }): Promise<Retrain[]>;
  /** The latest first. */
  refusals(filter: { readonly model?: string; readonly limit: number }): Promise<RetrainRefusal[]>;
}
