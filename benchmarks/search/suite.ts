import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalJson } from "../../schemas/canonical-json.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import { measurePeer } from "../peer.ts";
import type { PeerReport } from "../peer.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { writeSearchFiles } from "./fleet.ts";
import type { SearchFiles, SearchSize } from "./fleet.ts";
import { runSearch } from "./searched.ts";
import type { Crew, Searched } from "./searched.ts";
import { SEARCH_SPECS } from "./specs.ts";

const SEED = 1;
const SIZE: SearchSize = { nMachines: 278, nTrials: 60, nRounds: 100 };
/** The same way, short. */
const QUICK: SearchSize = { nMachines: 60, nTrials: 10, nRounds: 30 };

/** A search at several widths, with its workers killed, and beside Optuna. */
export const searchSuite: BenchSuite = {
  name: "search",
  about:
    "A search of 60 trials by TPE with median pruning: gbdt of 100 rounds, 20 k training rows × 30 columns in five folds of machines, through `aura run` on a platform of its own each time. The wall is from the start of the first trial to the end of the last, with everything that is stored of them. The peer is Optuna's study of LightGBM trainings in one Python process, in memory.",
  specs: SEARCH_SPECS,
  run: runSearchSuite,
};

async function runSearchSuite(context: SuiteContext): Promise<void> {
  const size = context.quick ? QUICK : SIZE;
  const { nTrials } = size;
  const files = writeSearchFiles(context.scratch, size);
  const given = { files, size };
  const crewOf = (crew: Omit<Crew, "nTrials">): Crew => ({ ...crew, nTrials });
  const wide = await search(context, given, crewOf({ name: "wide", trainings: 2, workers: 1, kills: 0 }));
  const points = join(context.scratch, "points.json");
  writeFileSync(
    points,
    JSON.stringify(wide.trials.map(({ parameters, folds }) => ({ parameters, folds: folds.length }))),
  );
  const peer = (jobs: number, ...rest: string[]) =>
    measurePeer(context, "optuna_search.py", [
      files.data,
      files.folds,
      ...[nTrials, size.nRounds, jobs, jobs === 2 ? 1 : 2].map(String),
      ...rest,
    ]);
  addWall(context, SEARCH_SPECS.wall, wide, await peer(2));
  if (!context.quick) addWall(context, SEARCH_SPECS.samePoints, wide, await peer(2, points));
  const killed = crewOf({ name: "killed", trainings: 1, workers: 2, kills: context.quick ? 1 : 5 });
  const survived = await search(context, given, killed);
  context.row(SEARCH_SPECS.kills, { ours: shareEqual(wide, survived), seed: SEED });
  if (context.quick) {
    context.say("quick: small data, 10 trials, one kill; the full suite has all widths");
    return;
  }
  const narrow = await search(context, given, crewOf({ name: "narrow", trainings: 1, workers: 1, kills: 0 }));
  context.row(SEARCH_SPECS.widths, { ours: shareEqual(wide, narrow), seed: SEED });
  addWall(context, SEARCH_SPECS.narrow, narrow, await peer(1));
}

async function search(
  context: SuiteContext,
  { files, size }: { readonly files: SearchFiles; readonly size: SearchSize },
  crew: Crew,
): Promise<Searched> {
  const found = await runSearch(context, files, crew);
  const { wallSeconds, complete, pruned, seconds } = found.search;
  const nFits = found.trials.reduce((sum, { folds }) => sum + folds.length, 0);
  const best = Math.min(
    ...found.trials.filter(({ state }) => state === "complete").map(({ loss }) => loss ?? Infinity),
  );
  context.say(
    `${crew.name}: ${crew.workers} worker process(es), ${crew.trainings} training(s) each, ${found.kills} kills: ${wallSeconds.toFixed(1)} s, ${seconds.toFixed(1)} s of trials; ${complete} complete, ${pruned} pruned, ${nFits} fits of ${leavesOf(found, size.nRounds)} leaves, best ${best.toFixed(5)}`,
  );
  return found;
}

/** What there was to grow: the work of a search beside which its time is read. */
function leavesOf({ trials }: Searched, nRounds: number): number {
  return trials.reduce(
    (sum, { parameters, folds }) => sum + Number(parameters["numLeaves"]) * folds.length * nRounds,
    0,
  );
}

/** Share of the trials that are equal in all but the time that they took. */
function shareEqual(a: Searched, b: Searched): number {
  const lasting = (trial: TrialView) => canonicalJson({ ...trial, seconds: 0 });
  const texts = new Set(a.trials.map(lasting));
  const nEqual = b.trials.filter((trial) => texts.has(lasting(trial))).length;
  return nEqual / Math.max(a.trials.length, b.trials.length);
}

function addWall(context: SuiteContext, spec: RowSpec, found: Searched, peer: PeerReport | undefined): void {
  const seconds = peer?.metrics["seconds"];
  context.row(spec, {
    ours: found.search.wallSeconds,
    seed: SEED,
    ...(peer === undefined || seconds === undefined ? {} : { peer: seconds, peerVersion: peer.version }),
  });
  if (peer === undefined) return;
  const { complete, fits, leaves, best } = peer.metrics;
  context.say(
    `Optuna: ${seconds?.toFixed(1)} s; ${complete} complete, ${fits} fits of ${leaves} leaves, best ${best?.toFixed(5)}`,
  );
}
