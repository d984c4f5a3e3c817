import { parseArgs } from "node:util";
import { PARTS } from "./faulty-platform.ts";
import type { PartName } from "./faulty-platform.ts";
import { hasDoublePromotion, KEYLESS_WORKER } from "./proof.ts";
import { caseLines, storyLines } from "./report.ts";
import { runCase } from "./run-case.ts";
import type { CaseResult } from "./run-case.ts";
import { dealtPairs, describeKill, makeSchedule, pairsOf } from "./schedule.ts";
import type { FaultCase, Pair } from "./schedule.ts";
import type { Outcome } from "./outcome.ts";
import { inLanes } from "../../workflows/pipeline/lanes.ts";
import { loseWakeUp } from "./lost-wake-up.ts";

/**
 * Fault tests: a real platform is killed part by part while it does everything that it does (life.ts), and must end with
 * what an undisturbed one ends with.
 *
 *     npm run test:faults -- [--seeds 20] [--from 1] [--part worker|api|postgres|temporal] [--jobs 2] [--quick] [--json]
 *     npm run test:faults -- --prove      a worker without an idempotency key: here the harness must find fault
 *
 * Exit code 0: nothing violated, and each pair of a boundary and a part that these seeds deal was met (with --prove: the
 * violation was found); 1 otherwise; 2 a wrong option.
 */

const QUICK_SEEDS = 4;
const DEFAULT_SEEDS = 20;
/** Most of a case is waiting for a part that comes back: two at a time keep two cores busy. */
const DEFAULT_JOBS = "2";
const MOST_SECOND_TRIES = 20;
/** How the cases of second tries are called, after those of the seeds. */
const SECOND_TRY_SEED = 10_001;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly parts: readonly PartName[];
  readonly jobs: number;
  readonly isJson: boolean;
  readonly isProof: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string" },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: DEFAULT_JOBS },
      part: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      prove: { type: "boolean", default: false },
    },
  });
  const seeds = Number(values.seeds ?? (values.quick ? QUICK_SEEDS : DEFAULT_SEEDS));
  const from = Number(values.from);
  if (!Number.isInteger(seeds) || seeds < 1 || seeds > 1_000) throw new RangeError(`--seeds ${values.seeds}`);
  if (!Number.isInteger(from) || from < 0) throw new RangeError(`--from ${values.from}`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 16) throw new RangeError(`--jobs ${values.jobs}`);
  const parts = PARTS.filter((part) => values.part.length === 0 || values.part.includes(part));
  const unknown = values.part.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) throw new RangeError(`--part ${unknown}: expected one of ${PARTS.join(", ")}`);
  return { seeds, from, parts, jobs, isJson: values.json, isProof: values.prove };
}

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** @returns exit code */
async function main(options: Options): Promise<number> {
  const say = options.isJson ? () => undefined : print;
  const undisturbed = await runCase({ kills: [], ...(options.isProof ? { until: "promotion" } : {}) });
  for (const line of caseLines("undisturbed", [], undisturbed)) say(line);
  const { outcome: expected, boundaries } = undisturbed;
  if (expected === undefined || undisturbed.violations.length > 0) return 1;
  if (options.isProof) return prove(expected, say);

  const runAll = (cases: readonly FaultCase[]) =>
    inLanes(cases, options.jobs, async ({ seed, kills }): Promise<Finished> => {
      const result = await runCase({ kills, expected });
      for (const line of caseLines(`seed ${seed}`, kills, result)) say(line);
      return { seed, kills, result };
    });
  // It spends a minute waiting, beside the others.
  const unheard = loseWakeUp();
  const finished = await runAll(makeSchedule(boundaries, options));
  finished.push(...(await runAll(secondTries(finished))));
  const lost = await unheard;
  for (const line of storyLines("a decision whose wake-up is lost", lost)) say(line);
  const met = new Set(finished.flatMap(metPairs));
  const summary = {
    cases: finished.length + 1,
    failed: [...finished.map(({ result }) => result.violations), lost].filter(({ length }) => length > 0)
      .length,
    boundaries: boundaries.length,
    pairs: pairsOf(boundaries, options.parts).length,
    met: met.size,
    neverMet: dealtPairs(boundaries, options)
      .map(nameOf)
      .filter((name) => !met.has(name)),
  };
  if (options.isJson)
    print(JSON.stringify({ ...summary, lostWakeUp: lost, results: finished.map(shown) }, null, 2));
  say(
    `${summary.cases} cases, ${summary.failed} failed; ${summary.boundaries} boundaries, ` +
      `${summary.met} of ${summary.pairs} pairs of a boundary and a part met`,
  );
  for (const name of summary.neverMet) say(`never met: ${name}`);
  // What was never met has not been shown to hold.
  return summary.failed > 0 || summary.neverMet.length > 0 ? 1 : 0;
}

type Finished = FaultCase & { readonly result: CaseResult };

/** A worker without an idempotency key: the harness must find what that does. */
async function prove(expected: Outcome, say: (line: string) => void): Promise<number> {
  const result = await runCase({ kills: [], expected, workerEntry: KEYLESS_WORKER, until: "promotion" });
  for (const line of caseLines("without a key", [], result)) say(line);
  const isFound = hasDoublePromotion(result);
  say(
    isFound ? "the harness found the double promotion" : "the harness is blind: it found no double promotion",
  );
  return isFound ? 0 : 1;
}

/** Kills that found their part dead already, or whose boundary the outage before them hid. */
function secondTries(finished: readonly Finished[]): readonly FaultCase[] {
  const missed = finished.flatMap(({ result }) => result.missed).filter(({ at }) => "boundary" in at);
  const nCases = Math.ceil(missed.length / MOST_SECOND_TRIES);
  return Array.from({ length: nCases }, (_, i) => ({
    seed: SECOND_TRY_SEED + i,
    kills: missed.filter((_kill, k) => k % nCases === i),
  }));
}

function metPairs({ kills, result }: Finished): readonly string[] {
  return kills.flatMap((kill) =>
    "boundary" in kill.at && !result.missed.includes(kill)
      ? [nameOf({ part: kill.part, boundary: kill.at.boundary })]
      : [],
  );
}

const nameOf = ({ part, boundary }: Pick<Pair, "part" | "boundary">): string => `${part} @${boundary}`;

function shown({ seed, kills, result }: Finished) {
  const { violations, missed, restarts, ms } = result;
  return { seed, kills: kills.map(describeKill), violations, missed: missed.map(describeKill), restarts, ms };
}

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
