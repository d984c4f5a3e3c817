import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@temporalio/client";

/**
 * The instants between which an activity's effect happens: it was handed out, and its end was recorded. A name
 * such as `trainFold#3 scheduled` counts activities of one type over the run and its children, so that it means
 * the same instant in every run of the same pipeline.
 */
export interface Boundary {
  readonly name: string;
  /** Milliseconds since the watch began. */
  readonly atMs: number;
}

const PAUSE_MS = 50;
const WAIT_MS = 1_000;

type HistoryPage = Awaited<ReturnType<Client["workflowService"]["getWorkflowExecutionHistory"]>>;
type HistoryEvent = NonNullable<NonNullable<HistoryPage["history"]>["events"]>[number];

/** Follows the histories of a run and of its children, also over restarts of the server. */
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

  watch(workflowId: string): void {
    if (this.#watched.has(workflowId)) return;
    this.#watched.add(workflowId);
    this.#loops.push(this.#follow(workflowId));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  async #follow(workflowId: string): Promise<void> {
    const names = new Map<string, string>();
    let nextPageToken: Uint8Array | undefined;
    let position = 0;
    let nSeen = 0;
    while (!this.#isStopped) {
      try {
        const page = await this.#read(workflowId, nextPageToken);
        for (const event of page.history?.events ?? []) {
          position += 1;
          if (position > nSeen) this.#look(event, names);
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
  #read(workflowId: string, nextPageToken: Uint8Array | undefined) {
    const { connection, workflowService, options } = this.#client;
    return connection.withDeadline(Date.now() + WAIT_MS, () =>
      workflowService.getWorkflowExecutionHistory({
        namespace: options.namespace,
        execution: { workflowId },
        waitNewEvent: true,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      }),
    );
  }

  #look(event: HistoryEvent, names: Map<string, string>): void {
    const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
    if (child != null) this.watch(child);
    const scheduled = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (scheduled != null) {
      const count = (this.#counts.get(scheduled) ?? 0) + 1;
      this.#counts.set(scheduled, count);
      names.set(String(event.eventId), `${scheduled}#${count}`);
      this.#tell(`${scheduled}#${count} scheduled`);
    }
    const completed = event.activityTaskCompletedEventAttributes?.scheduledEventId;
    if (completed != null) this.#tell(`${names.get(String(completed)) ?? "unknown"} completed`);
  }

  #tell(name: string): void {
    const boundary = { name, atMs: performance.now() - this.#startedMs };
    this.boundaries.push(boundary);
    this.#onBoundary(boundary);
  }
}
