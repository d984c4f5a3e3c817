import { join } from "node:path";
import { auraCommand } from "../aura-command.ts";
import type { RunReport } from "../aura-command.ts";
import type { SuiteContext } from "../suite.ts";
import { measurePeer } from "../peer.ts";
import type { PeerReport } from "../peer.ts";
import { writeFeatureRows } from "./feature-rows.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { PIPELINE_SPECS } from "./specs.ts";

const SEEDS = [1, 2, 3, 4, 5];
/** Stages whose time is the work itself; the rest is what the platform costs. */
const WORK_STAGES = ["ingest", "transform", "train", "evaluate"];
const RUN_TIMEOUT_MS = 600_000;

/** A run with what it was started from. */
interface SeedRun {
  readonly seed: number;
  readonly report: RunReport & { readonly wallMs: number };
  readonly stateDir: string;
}

/** FD001 through the whole product; `--quick` runs one seed. */
export async function measureFd001(context: SuiteContext, data: string): Promise<void> {
  const pipeline = pipelineFile(context, "turbofan", "gbdt");
  const runs: SeedRun[] = [];
  for (const seed of context.quick ? SEEDS.slice(0, 1) : SEEDS) {
    const stateDir = join(context.scratch, `fd001-${seed}`);
    const aura = auraCommand(context.root, stateDir);
    const args = [pipeline, "--data", data, "--approve-as", "bench@example.com", "--seed", String(seed)];
    runs.push({ seed, stateDir, report: await aura.train(args, RUN_TIMEOUT_MS) });
    await aura.run(["down"], 60_000);
  }
  const peer = await measurePeerOf(context, pipeline, runs);
  reportAccuracy(context, runs, peer);
  reportTimes(context, runs);
}

/** LightGBM on the rows of the same runs. */
async function measurePeerOf(
  context: SuiteContext,
  pipeline: string,
  runs: readonly SeedRun[],
): Promise<PeerReport | undefined> {
  const args: string[] = [];
  let nColumns = 0;
  for (const { seed, stateDir } of runs) {
    const rows = await writeFeatureRows(
      { stateDir, pipeline, seed },
      join(context.scratch, `fd001-${seed}.f64`),
    );
    nColumns = rows.nColumns;
    args.push(String(seed), rows.path);
  }
  return measurePeer(context, "lightgbm_fd001.py", [String(nColumns), ...args], {
    timeoutMs: RUN_TIMEOUT_MS,
  });
}

function reportAccuracy(context: SuiteContext, runs: readonly SeedRun[], peer: PeerReport | undefined): void {
  const [{ seed }] = runs as readonly [SeedRun];
  const ofRuns = (side: "test" | "cv", metric: string) =>
    mean(runs.map(({ report }) => report.metrics[side][metric] ?? Number.NaN));
  const ofPeer = (metric: string) => {
    const value = peer?.metrics[metric];
    return peer === undefined || value === undefined ? {} : { peer: value, peerVersion: peer.version };
  };
  const rows = [
    [PIPELINE_SPECS.fd001Rmse, "test", "rmse", "rmse"],
    [PIPELINE_SPECS.fd001Nasa, "test", "nasaScore", "nasaScore"],
    [PIPELINE_SPECS.fd001CvRmse, "cv", "rmse", "cvRmse"],
    [PIPELINE_SPECS.fd001Coverage, "cv", "intervalCoverage", "intervalCoverage"],
    [PIPELINE_SPECS.fd001Width, "cv", "intervalWidth", "intervalWidth"],
  ] as const;
  for (const [spec, side, metric, peerMetric] of rows)
    context.row(spec, { ours: ofRuns(side, metric), seed, ...ofPeer(peerMetric) });
  const bySeed = (metric: string, digits: number) =>
    runs
      .map((run) => `${run.seed}: ${run.report.metrics.test[metric]?.toFixed(digits) ?? "none"}`)
      .join(", ");
  context.say(`FD001 RMSE by seed: ${bySeed("rmse", 3)}${context.quick ? " (quick: one seed)" : ""}`);
  context.say(`FD001 NASA score by seed: ${bySeed("nasaScore", 0)}`);
  context.say(
    `FD001 coverage of the 90 % intervals on the official test, by seed: ${bySeed("intervalCoverage", 2)}`,
  );
}

function reportTimes(context: SuiteContext, runs: readonly SeedRun[]): void {
  const [{ seed, report }] = runs as readonly [SeedRun];
  const reports = runs.map((run) => run.report);
  const stages = Object.entries(report.timingsMs);
  context.say(
    `FD001 stages of seed ${seed}: ${stages.map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`).join(", ")}`,
  );
  context.row(PIPELINE_SPECS.fd001Wall, {
    ours: median(reports.map(({ wallMs }) => wallMs / 1000)),
    seed,
  });
  context.row(PIPELINE_SPECS.fd001Outside, { ours: median(reports.map(outsideSeconds)), seed });
}

function outsideSeconds(report: RunReport & { readonly wallMs: number }): number {
  const work = WORK_STAGES.reduce((sum, stage) => sum + (report.timingsMs[stage] ?? 0), 0);
  return Math.max(0, report.wallMs - work) / 1000;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
