import { parseArgs } from "node:util";
import { PARTS } from "./faulty-platform.ts";
import type { PartName } from "./faulty-platform.ts";
import { hasDoublePromotion, KEYLESS_WORKER } from "./proof.ts";
import { caseLines } from "./report.ts";
import { runCase } from "./run-case.ts";
import type { CaseResult } from "./run-case.ts";
import { describeKill, makeSchedule } from "./schedule.ts";
import type { FaultCase } from "./schedule.ts";

/**
 * Fault tests: a real platform is killed part by part while a pipeline runs, and must end with what an undisturbed
 * run ends with.
 *
 *     npm run test:faults -- [--seeds 20] [--from 1] [--part worker|api|postgres|temporal] [--quick] [--json]
 *     npm run test:faults -- --prove      a worker without an idempotency key: here the harness must find fault
 *
 * Exit code 0: nothing violated (with --prove: the violation was found); 1 otherwise; 2 a wrong option.
 */

const QUICK_SEEDS = 4;
const DEFAULT_SEEDS = 20;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly parts: readonly PartName[];
  readonly isJson: boolean;
  readonly isProof: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string" },
      from: { type: "string", default: "1" },
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
  const parts = PARTS.filter((part) => values.part.length === 0 || values.part.includes(part));
  const unknown = values.part.find((part) => !PARTS.some((known) => known === part));
  if (unknown !== undefined) throw new RangeError(`--part ${unknown}: expected one of ${PARTS.join(", ")}`);
  return { seeds, from, parts, isJson: values.json, isProof: values.prove };
}

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** @returns exit code */
async function main(options: Options): Promise<number> {
  const say = options.isJson ? () => undefined : print;
  const undisturbed = await runCase({ kills: [] });
  for (const line of caseLines("undisturbed", [], undisturbed)) say(line);
  if (undisturbed.outcome === undefined || undisturbed.violations.length > 0) return 1;
  const { outcome: expected, boundaries } = undisturbed;
  const results: (FaultCase & { readonly result: CaseResult })[] = [];
  const cases = options.isProof ? [{ seed: 0, kills: [] }] : makeSchedule(boundaries, options);
  for (const { seed, kills } of cases) {
    const proof = options.isProof ? { workerEntry: KEYLESS_WORKER } : {};
    const result = await runCase({ kills, expected, ...proof });
    results.push({ seed, kills, result });
    const title = options.isProof ? "without a key" : `seed ${seed}`;
    for (const line of caseLines(title, kills.map(describeKill), result)) say(line);
  }
  const nFailed = results.filter(({ result }) => result.violations.length > 0).length;
  const met = new Set(results.flatMap(({ kills, result }) => metBoundaries(kills, result)));
  const summary = { cases: results.length, failed: nFailed, boundaries: boundaries.length, met: met.size };
  if (options.isJson) print(JSON.stringify({ ...summary, results: results.map(shown) }, null, 2));
  if (options.isProof) {
    const isFound = results.some(({ result }) => hasDoublePromotion(result));
    say(
      isFound
        ? "the harness found the double promotion"
        : "the harness is blind: it found no double promotion",
    );
    return isFound ? 0 : 1;
  }
  say(`${summary.cases} cases, ${nFailed} failed; ${met.size} of ${boundaries.length} boundaries met`);
  return nFailed > 0 ? 1 : 0;
}

function metBoundaries(kills: FaultCase["kills"], { missed }: CaseResult): readonly string[] {
  return kills.flatMap((kill) =>
    "boundary" in kill.at && !missed.includes(describeKill(kill)) ? [kill.at.boundary] : [],
  );
}

function shown({ seed, kills, result }: FaultCase & { readonly result: CaseResult }) {
  const { violations, missed, restarts, ms } = result;
  return { seed, kills: kills.map(describeKill), violations, missed, restarts, ms };
}

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
