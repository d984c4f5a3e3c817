import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { embeddedDatabaseUrl } from "../../platform/parts/postgres.ts";
import { postgresPassword } from "../../platform/parts/postgres-data.ts";
import { readRecord, statePaths } from "../../platform/state-dir.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import { trialListSchema } from "../../schemas/runs/trial.ts";
import type { SearchView, TrialView } from "../../schemas/runs/trial.ts";
import { auraCommand } from "../aura-command.ts";
import { startChild } from "../child.ts";
import type { RunningChild } from "../child.ts";
import type { SuiteContext } from "../suite.ts";
import type { SearchFiles } from "./fleet.ts";

/** Who works at one search. */
export interface Crew {
  readonly name: string;
  /** AURA_TRAININGS of each worker process. */
  readonly trainings: number;
  /** Worker processes: the platform's own, and one beside it. */
  readonly workers: 1 | 2;
  /** Kills (SIGKILL) of a worker process during the search, each time another one where there are two. */
  readonly kills: number;
  /** Trials of the search, by which the kills are spread over it. */
  readonly nTrials: number;
}

export interface Searched {
  readonly trials: readonly TrialView[];
  readonly search: SearchView;
  readonly kills: number;
}

const runListSchema = z.object({ items: z.array(runViewSchema) });

const RUN_TIMEOUT_MS = 600_000;
const POLL_MS = 200;

/** Runs the pipeline on a platform of its own; with `aura run`, as a user would. */
export async function runSearch(context: SuiteContext, files: SearchFiles, crew: Crew): Promise<Searched> {
  const stateDir = join(context.scratch, crew.name);
  const settings = { AURA_TRAININGS: String(crew.trainings) };
  const aura = auraCommand(context.root, stateDir, settings);
  const up = await aura.run(["up", "--detach", "--json"], 300_000);
  if (up.code !== 0) throw new Error(`aura up [exit code ${up.code}]: ${up.stdout}${up.stderr}`);
  const second = new SecondWorker(context, stateDir, settings);
  try {
    if (crew.workers === 2) await second.start();
    const client = new ApiClient({ baseUrl: apiUrlOf(stateDir), timeoutMs: 20_000 });
    const over = new AbortController();
    const killing = killWorkers(client, { crew, stateDir, second, signal: over.signal });
    const args = [files.pipeline, "--data", context.scratch, "--approve-as", "bench@example.com"];
    const { runId } = await aura.train(args, RUN_TIMEOUT_MS);
    over.abort();
    const { items, searches } = await client.get(apiPath`/v1/runs/${runId}/trials`, trialListSchema);
    const [search] = searches;
    const kills = await killing;
    if (kills < crew.kills)
      throw new Error(`search ${crew.name}: expected ${crew.kills} kills before its end, got ${kills}`);
    if (search === undefined) throw new Error(`search of run ${runId}: expected trials, found none`);
    return { trials: items, search, kills };
  } finally {
    await second.stop();
    await aura.run(["down"], 60_000);
  }
}

function apiUrlOf(stateDir: string): string {
  const { api } = readRecord(statePaths(stateDir)).urls;
  if (api === undefined) throw new Error(`API of ${stateDir}: expected its address, found none`);
  return api;
}

/** A worker process beside the platform's own, which trains and nothing else. */
class SecondWorker {
  readonly #context: SuiteContext;
  readonly #stateDir: string;
  readonly #settings: Readonly<Record<string, string>>;
  #child: RunningChild | undefined;

  constructor(context: SuiteContext, stateDir: string, settings: Readonly<Record<string, string>>) {
    this.#context = context;
    this.#stateDir = stateDir;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    const paths = statePaths(this.#stateDir);
    const { ports, urls } = readRecord(paths);
    this.#child = await startChild(
      {
        command: process.execPath,
        args: [join(this.#context.root, "dist", "workers", "pipeline.js")],
        cwd: this.#context.root,
        env: {
          ...this.#settings,
          DATABASE_URL: embeddedDatabaseUrl(postgresPassword(paths), ports.postgres ?? 0),
          TEMPORAL_ADDRESS: urls.temporalAddress,
          TEMPORAL_CONFIG_FILE: "/nonexistent/temporal.toml",
          AURA_STATE_DIR: this.#stateDir,
          AURA_WORKER_QUEUES: "train",
          AURA_API_KEY: undefined,
          AURA_OBJECTS: undefined,
        },
      },
      (printed) => printed.includes("worker ready"),
      60_000,
    );
  }

  async kill(): Promise<void> {
    await this.#child?.stop();
    this.#child = undefined;
  }

  async stop(): Promise<void> {
    await this.kill();
  }
}

interface Killing {
  readonly crew: Crew;
  readonly stateDir: string;
  readonly second: SecondWorker;
  readonly signal: AbortSignal;
}

/** Kills a worker each time a sixth of the trials has ended, or so. @returns how many it killed */
async function killWorkers(client: ApiClient, { crew, stateDir, second, signal }: Killing): Promise<number> {
  let nKilled = 0;
  while (nKilled < crew.kills && !signal.aborted) {
    await sleep(POLL_MS);
    const nTrials = await trialsSoFar(client);
    if (nTrials < ((nKilled + 0.5) * crew.nTrials) / (crew.kills + 1)) continue;
    if (crew.workers === 2 && nKilled % 2 === 1) {
      await second.kill();
      await second.start();
    } else {
      const pid = readRecord(statePaths(stateDir)).children["worker"]?.process?.pid;
      if (pid === undefined) continue;
      process.kill(pid, "SIGKILL");
    }
    nKilled += 1;
  }
  return nKilled;
}

async function trialsSoFar(client: ApiClient): Promise<number> {
  const [run] = (await client.get(apiPath`/v1/runs`, runListSchema, { limit: 1 })).items;
  if (run === undefined) return 0;
  return (await client.get(apiPath`/v1/runs/${run.runId}/trials`, trialListSchema)).items.length;
}
