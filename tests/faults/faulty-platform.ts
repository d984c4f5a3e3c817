import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { packageRoot } from "../../config/package-root.ts";
import { sendSignal } from "../../platform/process/identity.ts";
import { tailLog } from "../../platform/process/log-file.ts";
import { SupervisedPart } from "../../platform/supervised-part.ts";
import { startTestPlatform, testEnvironment } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { untilAnswered } from "./patience.ts";
import type { DeadlineMs } from "./patience.ts";

export const PARTS = ["worker", "api", "postgres", "temporal"] as const;
export type PartName = (typeof PARTS)[number];

const LOG_LINES = 3;

/** A whole platform in a folder of its own, whose parts can be killed; its supervisor is this process. */
export class FaultyPlatform {
  readonly client: Client;
  readonly #test: TestPlatform;
  readonly #ownWorker: SupervisedPart | undefined;

  private constructor(test: TestPlatform, client: Client, ownWorker: SupervisedPart | undefined) {
    this.#test = test;
    this.client = client;
    this.#ownWorker = ownWorker;
  }

  /**
   * @param workerEntry  built entry, e.g. `tests/faults/x.js`, in the place of the product's worker
   * @param environment  settings beyond those of a test
   */
  static async start(
    workerEntry?: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<FaultyPlatform> {
    const parts = PARTS.filter((name) => workerEntry === undefined || name !== "worker");
    const test = await startTestPlatform({ parts, environment });
    let ownWorker: SupervisedPart | undefined;
    try {
      if (workerEntry !== undefined) ownWorker = await startOwnWorker(test, workerEntry);
      const connection = await Connection.connect({
        address: test.platform.urls.temporalAddress,
        // Back at once after a restart: boundaries that pass unseen cannot be met.
        channelArgs: { "grpc.initial_reconnect_backoff_ms": 50, "grpc.max_reconnect_backoff_ms": 100 },
      });
      return new FaultyPlatform(test, new Client({ connection }), ownWorker);
    } catch (error) {
      await ownWorker?.stop();
      await test.dispose();
      throw error;
    }
  }

  get apiUrl(): string {
    return this.#test.platform.urls.api;
  }

  get temporalAddress(): string {
    return this.#test.platform.urls.temporalAddress;
  }

  get databaseUrl(): string {
    return this.#test.platform.urls.databaseUrl;
  }

  /** Whether the part has answered since it was started. */
  isUp(part: PartName): boolean {
    const state = this.#statuses().find(({ name }) => name === part)?.state;
    return state === "ready" || state === "unhealthy";
  }

  /** Sends the part's process a signal; one that is just being started again is waited for. */
  async signal(part: PartName, signal: NodeJS.Signals, deadline: DeadlineMs): Promise<void> {
    const pid = await untilAnswered(`a process of ${part}`, deadline, async () => this.#pidOf(part));
    sendSignal(pid, signal);
  }

  /** Ends the part in order, and waits until it is back. */
  async restart(part: PartName, deadline: DeadlineMs): Promise<void> {
    const before = await untilAnswered(`a process of ${part}`, deadline, async () => this.#pidOf(part));
    sendSignal(before, "SIGTERM");
    await untilAnswered(`${part} started again`, deadline, async () => {
      const pid = this.#pidOf(part);
      return (pid !== undefined && pid !== before && this.isUp(part)) || undefined;
    });
  }

  /** All parts answer again. */
  async settle(deadline: DeadlineMs): Promise<void> {
    const isReady = () => this.#statuses().every(({ state }) => state === "ready");
    await untilAnswered("all parts ready", deadline, async () => isReady() || undefined);
  }

  /** Restarts of all parts together since the start. */
  get restarts(): number {
    return this.#statuses().reduce((sum, { restarts }) => sum + restarts, 0);
  }

  /** What a part said last, for a case that failed. */
  logTail(part: PartName): readonly string[] {
    return tailLog(join(this.#test.stateDir, "logs", `${part}.log`), LOG_LINES);
  }

  async dispose(): Promise<void> {
    await this.client.connection.close();
    // Nothing of the state is looked at any more: no need for PostgreSQL to write its checkpoint, which takes seconds.
    for (const { process: child } of this.#statuses()) {
      if (child !== undefined) sendSignal(child.pid, "SIGKILL");
    }
    await this.#ownWorker?.stop();
    await this.#test.dispose();
  }

  #statuses() {
    const own = this.#ownWorker === undefined ? [] : [this.#ownWorker.status];
    return [...this.#test.platform.parts(), ...own];
  }

  #pidOf(part: PartName): number | undefined {
    return this.#statuses().find(({ name }) => name === part)?.process?.pid;
  }
}

async function startOwnWorker({ platform, stateDir }: TestPlatform, entry: string): Promise<SupervisedPart> {
  const { databaseUrl, temporalAddress } = platform.urls;
  const part = new SupervisedPart({
    logs: join(stateDir, "logs"),
    onChange: () => undefined,
    plan: {
      name: "worker",
      stopSignal: "SIGTERM",
      stopGraceMs: 18_000,
      prepare: async () => ({
        file: process.execPath,
        args: [join(packageRoot(), "dist", entry)],
        cwd: stateDir,
        env: testEnvironment({
          DATABASE_URL: databaseUrl,
          TEMPORAL_ADDRESS: temporalAddress,
          AURA_STATE_DIR: stateDir,
        }),
      }),
      // Alive is enough: a run that starts before it polls waits a moment.
      probe: async () => undefined,
    },
  });
  await part.start();
  return part;
}
