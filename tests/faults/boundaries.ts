import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";

/** What of a platform's life a workflow belongs to; `again` is the run that a retraining starts. */
export const PHASES = ["run", "drift", "again", "rollback", "score", "house"] as const;
export type Phase = (typeof PHASES)[number];

/**
 * The instants between which an activity's effect happens: it was handed out, and its end was recorded. A name
 * such as `run trainFold#3 scheduled` counts activities of one type over a phase's workflows, so that it means the
 * same instant in every life.
 */
export interface Boundary {
  readonly name: string;
  readonly phase: Phase;
  /** Milliseconds since the watch began. */
  readonly atMs: number;
}

const PAUSE_MS = 50;
const WAIT_MS = 1_000;

type HistoryPage = Awaited<ReturnType<Client["workflowService"]["getWorkflowExecutionHistory"]>>;
type HistoryEvent = NonNullable<NonNullable<HistoryPage["history"]>["events"]>[number];

interface Watched {
  readonly workflowId: string;
  readonly runId: string;
  readonly phase: Phase;
  /** Activities handed out, by the id of the event. */
  readonly names: Map<string, string>;
}

/** Follows the histories of workflows and of their children, also over restarts of the server. */
export class BoundaryWatch {
  readonly boundaries: Boundary[] = [];
  readonly #client: Client;
  readonly #onBoundary: (boundary: Boundary) => void;
  readonly #startedMs = performance.now();
  readonly #counts = new Map<string, number>();
  readonly #watched = new Set<string>();
  readonly #loops: Promise<void>[] = [];
  #isStopped = false;

  constructor(client: Client, onBoundary: (boundary: Boundary) => void = () => undefined) {
    this.#client = client;
    this.#onBoundary = onBoundary;
  }

  /** @param runId  for a workflow whose id was used before: the run that is meant */
  watch(workflowId: string, phase: Phase, runId = ""): void {
    const key = `${workflowId} ${runId}`;
    if (this.#watched.has(key)) return;
    this.#watched.add(key);
    this.#loops.push(this.#follow({ workflowId, runId, phase, names: new Map() }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #follow(watched: Watched): Promise<void> {
    let nextPageToken: Uint8Array | undefined;
    let position = 0;
    let nSeen = 0;
    while (!this.#isStopped) {
      try {
        const page = await this.#read(watched, nextPageToken);
        for (const event of page.history?.events ?? []) {
          position += 1;
          if (position > nSeen) this.#look(event, watched);
          nSeen = Math.max(nSeen, position);
        }
        if (page.nextPageToken.length === 0) return;
        nextPageToken = page.nextPageToken;
      } catch {
        // The server is away, or the child is not there yet: from the beginning, past what was seen.
        nextPageToken = undefined;
        position = 0;
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Waits for new events, but not long: a wait that outlives a restart of the server would hide what follows. */
  #read({ workflowId, runId }: Watched, nextPageToken: Uint8Array | undefined) {
    const { connection, workflowService, options } = this.#client;
    return connection.withDeadline(Date.now() + WAIT_MS, () =>
      workflowService.getWorkflowExecutionHistory({
        namespace: options.namespace,
        execution: { workflowId, runId },
        waitNewEvent: true,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      }),
    );
  }

  #look(event: HistoryEvent, { names, phase }: Watched): void {
    const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
    if (child?.workflowId != null) {
      const isRetraining = phase === "drift" && child.workflowId.startsWith("pipeline/");
      this.watch(child.workflowId, isRetraining ? "again" : phase, child.runId ?? "");
    }
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (scheduled != null) {
      const type = `${phase} ${scheduled}`;
      const count = (this.#counts.get(type) ?? 0) + 1;
      this.#counts.set(type, count);
      names.set(String(event.eventId), `${type}#${count}`);
      this.#tell(`${type}#${count} scheduled`, phase);
    }
    const completed = event.activityTaskCompletedEventAttributes?.scheduledEventId;
    if (completed != null) this.#tell(`${names.get(String(completed)) ?? "unknown"} completed`, phase);
  }

  #tell(name: string, phase: Phase): void {
    const boundary = { name, phase, atMs: performance.now() - this.#startedMs };
    this.boundaries.push(boundary);
    this.#onBoundary(boundary);
  }
}
