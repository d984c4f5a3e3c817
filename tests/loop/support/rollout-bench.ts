import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { sendSignal } from "../../../platform/process/identity.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, RolloutRow } from "../../../stores/postgres/port.ts";
import { until } from "../../adapters/support/until.ts";
import { pipelineText } from "../../faults/fixture/pumps.ts";
import { approveVersion, promoteVersion } from "../../support/champions.ts";
import { startTestPlatform } from "../../support/platform.ts";
import { putTinyVersion } from "../../support/served-versions.ts";
import type { TinyVersionOptions } from "../../support/served-versions.ts";
import { Ledger } from "./ledger.ts";

export const MODEL = "pump";

/** A whole platform with a champion, and approved versions that may take over as the pipeline file says. */
export interface RolloutBench {
  readonly db: Database;
  readonly apiUrl: string;
  readonly temporalAddress: string;
  /** Stores and approves a version. @returns its number */
  approved(options: TinyVersionOptions & { readonly version: number }): Promise<number>;
  /** Starts the rollout of an approved version, with stages and guards of its own where they are given. @returns its id */
  start(version: number, rollout?: object): Promise<string>;
  post(path: string, body: object): Promise<{ readonly status: number; readonly body: unknown }>;
  row(id: string): Promise<RolloutRow>;
  /** Waits until the rollout is as it should be. */
  untilRow(id: string, isDone: (row: RolloutRow) => boolean, withinMs?: number): Promise<RolloutRow>;
  ledger(): Ledger;
  /** What a failed test left open would be in the way of the next. */
  abortOpen(): Promise<void>;
  /** Kills parts at once, and waits until they are back. */
  kill(...parts: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const startedSchema = z.looseObject({ rolloutId: z.string() });

const EXAMPLE = { voltage: 1, current: 2 };

/** What answers requests, without what scores readings. */
const REQUEST_PARTS = ["postgres", "temporal", "worker", "api"];

export interface BenchPlan {
  /** The key of the pipeline file, as YAML in one line. */
  readonly rollout: string;
  /** The rest of the file; default: that of the fault tests. */
  readonly pipeline?: string;
  /** What all versions have. */
  readonly versions?: TinyVersionOptions;
  /** Of the platform; default: what answers requests. */
  readonly parts?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A row that the champion can answer; default: numbers. */
  readonly example?: object;
}

export async function openRolloutBench(plan: BenchPlan): Promise<RolloutBench> {
  const { rollout, pipeline, versions, environment = {}, example = EXAMPLE } = plan;

  const test = await startTestPlatform({ parts: plan.parts ?? REQUEST_PARTS, environment });
  const { api: apiUrl, databaseUrl, temporalAddress } = test.platform.urls;
  const db = await createDatabase(databaseUrl);
  const objects = createObjectStore({
    objects: pathToFileURL(join(test.stateDir, "objects")).href,
    cacheDir: join(test.stateDir, "test-cache"),
    cacheMaxBytes: 2 ** 28,
  });
  const rest = pipeline ?? pipelineText().replace("name: faults", `name: ${MODEL}`);
  const text = `${rest}\nrollout: ${rollout}\n`;
  const first = await putTinyVersion(objects, { ...versions, model: MODEL, version: 1 });
  await promoteVersion(db, first, text);
  const asked = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows: [example] }),
  };
  const served = await until(
    () => fetch(`${apiUrl}/v1/models/${MODEL}/predict`, asked),
    ({ ok }) => ok,
  );
  await served.body?.cancel();
  const ledgers: Ledger[] = [];
  const post: RolloutBench["post"] = async (path, body) => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };
  const row: RolloutBench["row"] = async (id) => {
    const found = await db.rollouts.get(id);
    if (found === undefined) throw new Error(`rollout [${id}]: there is none`);
    return found;
  };
  const pidOf = (part: string): number | undefined =>
    test.platform.parts().find(({ name }) => name === part)?.process?.pid;
  return {
    db,
    apiUrl,
    temporalAddress,
    async approved(options) {
      const stored = await putTinyVersion(objects, { ...versions, model: MODEL, ...options });
      return (await approveVersion(db, stored, text)).registered.version;
    },
    async start(version, own) {
      const body = { version, ...(own === undefined ? {} : { rollout: own }) };
      const started = await post(`/v1/models/${MODEL}/rollouts`, body);
      if (started.status !== 202) throw new Error(`start rollout: ${JSON.stringify(started)}`);
      const { rolloutId } = startedSchema.parse(started.body);
      await until(
        () => db.rollouts.get(rolloutId),
        (found) => found !== undefined,
      );
      return rolloutId;
    },
    post,
    row,
    untilRow: (id, isDone, withinMs) => until(() => row(id), isDone, withinMs),
    ledger() {
      const ledger = new Ledger(`${apiUrl}/predict`);
      ledgers.push(ledger);
      return ledger;
    },
    async abortOpen() {
      const [open] = await db.rollouts.list({ isOpen: true, limit: 1 });
      if (open !== undefined) await post(`/v1/rollouts/${open.id}/abort`, { reason: "the test is over" });
    },
    async kill(...parts) {
      const pids = parts.map((part) => pidOf(part));
      for (const pid of pids) if (pid !== undefined) sendSignal(pid, "SIGKILL");
      await until(
        async () => test.platform.parts(),
        (now) =>
          now.every(({ state }) => state === "ready") &&
          !pids.some((pid) => now.some((p) => p.process?.pid === pid)),
      );
    },
    async close() {
      for (const ledger of ledgers) await ledger.stop();
      await db.close();
      await test.dispose();
    },
  };
}
