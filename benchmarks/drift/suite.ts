import { closeSync, existsSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createGenerator } from "../../numerics/random/generator.ts";
import { runChild } from "../child.ts";
import { measurePeer, peerReportSchema } from "../peer.ts";
import type { PeerReport } from "../peer.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { countFalseAlarms, countFound, INJURIES } from "./simulation.ts";
import { DRIFT_SPECS } from "./specs.ts";
import { TABLE_KINDS } from "./tables.ts";

const SEED = 1;
const N_COLUMNS = 50;
const TIMEOUT_MS = 600_000;
const PEER_ENVIRONMENT = ".venv-evidently";

/** Verdicts without drift and under known drift, and the time of a check beside Evidently's. */
export const driftSuite: BenchSuite = {
  name: "drift",
  about:
    "Verdicts simulated: references and windows drawn from one law, so that every drift found is a false alarm, and windows with one column of 21 changed. Times from a table in memory to the verdict, its page and its JSON, median of the repeats, one thread, each side in a process of its own on the same rows; ours compares with a reference frozen before, as at training, Evidently with the reference table of as many rows.",
  specs: DRIFT_SPECS,
  run: runDriftSuite,
};

async function runDriftSuite(context: SuiteContext): Promise<void> {
  simulate(context);
  const small = await compare(context, 20_000);
  addTime(context, "small", small);
  if (context.quick) {
    context.say("quick: 20 rounds a kind of table, judged together, and 20 k rows; the full suite has all");
    addPage(context, small);
    return;
  }
  const middle = await compare(context, 100_000);
  addTime(context, "middle", middle);
  const large = { ours: await runOurs(context, 1_000_000), peer: undefined };
  addTime(context, "large", large);
  addPage(context, { ours: large.ours, peer: middle.peer });
}

function simulate(context: SuiteContext): void {
  const nRounds = context.quick ? 20 : 500;
  // The largest tables take as long as all others together.
  const found = TABLE_KINDS.map((kind) =>
    countFalseAlarms(kind, Math.ceil(nRounds * Math.min(1, 5_000 / kind.nReference)), SEED),
  );
  // One chance alarm in the few checks of a kind would be more than is allowed: the quick form takes all kinds together.
  const worst = Math.max(...found.map(({ share }) => share));
  const nChecks = found.reduce((sum, kind) => sum + kind.nChecks, 0);
  const pooled = found.reduce((sum, kind) => sum + kind.share * kind.nChecks, 0) / nChecks;
  context.row(DRIFT_SPECS.falseAlarms, { ours: context.quick ? pooled : worst, seed: SEED });
  for (const kind of found)
    context.say(
      `no drift, ${kind.name}: ${kind.share} of ${kind.nChecks} checks; confirmed by two in a row: ${kind.confirmedShare}`,
    );
  const [, plain, , , tied] = TABLE_KINDS;
  if (plain === undefined || tied === undefined) throw new RangeError("expected the kinds of tables");
  for (const [i, injury] of INJURIES.entries()) {
    const isOfTies = i === INJURIES.length - 1;
    const share = countFound(isOfTies ? tied : plain, injury, context.quick ? 40 : 400, SEED);
    if (i === 0) context.row(DRIFT_SPECS.power, { ours: share, seed: SEED });
    else context.say(`found: one column ${injury.name}: ${share} of the checks`);
  }
}

interface Pair {
  readonly ours: PeerReport;
  readonly peer: PeerReport | undefined;
}

async function compare(context: SuiteContext, nRows: number): Promise<Pair> {
  const [reference, live] = [tableFile(context, nRows, 1), tableFile(context, nRows, 2)];
  const page = join(context.scratch, "evidently.html");
  const args = [reference, nRows, live, nRows, N_COLUMNS, context.quick ? 1 : 3, page].map(String);
  const peer = await measurePeer(context, "evidently_drift.py", args, {
    timeoutMs: TIMEOUT_MS,
    environment: PEER_ENVIRONMENT,
  });
  return { ours: await runOurs(context, nRows), peer };
}

async function runOurs(context: SuiteContext, nRows: number): Promise<PeerReport> {
  const script = join(context.root, "dist", "benchmarks", "drift", "ours-process.js");
  // A reference of the largest table would only take longer to freeze.
  const nReference = Math.min(nRows, 100_000);
  const args = [tableFile(context, nReference, 1), nReference, tableFile(context, nRows, 2), nRows];
  const list = [script, ...[...args, N_COLUMNS, 5].map(String)];
  const result = await runChild({ command: process.execPath, args: list }, TIMEOUT_MS);
  if (result.code !== 0) throw new Error(`drift [exit code ${result.code}]: ${result.stderr.slice(-2_000)}`);
  const report = peerReportSchema.parse(JSON.parse(result.stdout));
  const { seconds, cpuSeconds, jsonMB, peakRssMiB, drifted } = report.metrics;
  context.say(
    `ours, ${nRows} rows: ${seconds?.toFixed(3)} s, of them ${cpuSeconds?.toFixed(3)} s of processor time, JSON ${jsonMB?.toFixed(3)} MB, peak ${peakRssMiB?.toFixed(0)} MiB, ${drifted} columns drift`,
  );
  return report;
}

/** Columns of sensors that follow five causes; the second table has three of them moved. Kept between runs. */
function tableFile(context: SuiteContext, nRows: number, which: 1 | 2): string {
  const path = join(context.cache, `drift-v1-${which}-${nRows}x${N_COLUMNS}.f64`);
  if (existsSync(path)) return path;
  const file = openSync(`${path}.partial`, "w");
  const values = new Float64Array(nRows);
  for (let column = 0; column < N_COLUMNS; column++) {
    // The same causes for every column of a table, row by row.
    const cause = createGenerator(`${which}/cause/${column % 5}`);
    const own = createGenerator(`${which}/column/${column}`);
    const shift = which === 2 && column < 3 ? 0.5 : 0;
    for (let row = 0; row < nRows; row++) values[row] = cause.normal() + own.normal() + shift;
    writeSync(file, values);
  }
  closeSync(file);
  renameSync(`${path}.partial`, path);
  return path;
}

function addTime(context: SuiteContext, spec: "small" | "middle" | "large", { ours, peer }: Pair): void {
  const seconds = peer?.metrics["seconds"];
  context.row(DRIFT_SPECS[spec], {
    ours: ours.metrics["seconds"] ?? Number.NaN,
    seed: SEED,
    ...(peer === undefined || seconds === undefined ? {} : { peer: seconds, peerVersion: peer.version }),
  });
  if (peer !== undefined)
    context.say(
      `Evidently: ${seconds?.toFixed(2)} s, of them ${peer.metrics["cpuSeconds"]?.toFixed(2)} s of processor time, ${peer.metrics["drifted"]} columns drift`,
    );
}

function addPage(context: SuiteContext, { ours, peer }: Pair): void {
  const size = peer?.metrics["htmlMB"];
  context.row(DRIFT_SPECS.page, {
    ours: ours.metrics["htmlMB"] ?? Number.NaN,
    seed: SEED,
    ...(peer === undefined || size === undefined ? {} : { peer: size, peerVersion: peer.version }),
  });
}
