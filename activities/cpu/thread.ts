import { parentPort } from "node:worker_threads";
import { Team } from "../../numerics/gbdt/threads/team.ts";
import { CPU_JOBS } from "./jobs.ts";
import type { CpuJobName } from "./jobs.ts";
import type { ThreadReply, ThreadRequest } from "./thread-messages.ts";

/** Entry of a CPU thread: runs one pure job at a time; knows neither stores nor clock. */
const port = parentPort;
if (port === null) throw new Error("this module is the entry of a worker thread");

/** Kept between jobs: its threads and their memory serve the next training. */
let team = new Team(1);

function teamOf(nThreads: number): Team {
  if (team.nThreads !== nThreads) replaceTeam(nThreads);
  return team;
}

function replaceTeam(nThreads: number): void {
  void team.close();
  team = new Team(nThreads);
}

port.on("message", ({ job, input, stopFlag, nThreads, isWatched }: ThreadRequest<CpuJobName>) => {
  const flag = new Int32Array(stopFlag);
  const reply = (message: ThreadReply) => port.postMessage(message);
  try {
    const run = CPU_JOBS[job] as (input: unknown, hooks: unknown) => unknown;
    const output = run(input, {
      ...(isWatched ? { onProgress: (progress: unknown) => reply({ kind: "progress", progress }) } : {}),
      sendCheckpoint: (checkpoint: unknown) => reply({ kind: "checkpoint", checkpoint }),
      // Only a job that boosts asks for it.
      team: () => teamOf(nThreads),
      shouldStop: () => Atomics.load(flag, 0) === 1,
    });
    reply({ kind: "done", output });
  } catch (error) {
    // A team whose training failed is of no more use.
    replaceTeam(1);
    reply({ kind: "failed", error });
  }
});
