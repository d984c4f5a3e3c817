import { join } from "node:path";
import { auraCommand } from "../aura-command.ts";
import type { RunReport } from "../aura-command.ts";
import type { SuiteContext } from "../suite.ts";
import { measurePeer } from "../peer.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { PIPELINE_SPECS } from "./specs.ts";

const SEEDS = [1, 2, 3, 4, 5];
/** Stages whose time is the work itself; the rest is what the platform costs. */
const WORK_STAGES = ["ingest", "transform", "train", "evaluate"];
const RUN_TIMEOUT_MS = 600_000;

/** FD001 through the whole product; `--quick` runs one seed. */
export async function measureFd001(context: SuiteContext, data: string): Promise<void> {
  const seeds = context.quick ? SEEDS.slice(0, 1) : SEEDS;
  const reports: (RunReport & { readonly wallMs: number })[] = [];
  const pipeline = pipelineFile(context, "turbofan", "gbdt");
  for (const seed of seeds) {
    const aura = auraCommand(context.root, join(context.scratch, `fd001-${seed}`));
    const args = [pipeline, "--data", data, "--approve-as", "bench@example.com", "--seed", String(seed)];
    reports.push(await aura.train(args, RUN_TIMEOUT_MS));
    await aura.run(["down"], 60_000);
  }
  const rmses = reports.map((report) => report.metrics.test["rmse"] ?? Number.NaN);
  const peer = await measurePeer(context, "lightgbm_fd001.py", [data, ...seeds.map(String)]);
  const peerRmse = peer?.metrics["rmse"];
  const first = seeds[0] ?? 0;
  context.row(PIPELINE_SPECS.fd001Rmse, {
    ours: mean(rmses),
    seed: first,
    ...(peer === undefined || peerRmse === undefined ? {} : { peer: peerRmse, peerVersion: peer.version }),
  });
  const ofCv = (metric: string) => mean(reports.map((report) => report.metrics.cv[metric] ?? Number.NaN));
  const ofPeer = (metric: string) => {
    const value = peer?.metrics[metric];
    return peer === undefined || value === undefined ? {} : { peer: value, peerVersion: peer.version };
  };
  context.row(PIPELINE_SPECS.fd001Coverage, {
    ours: ofCv("intervalCoverage"),
    seed: first,
    ...ofPeer("intervalCoverage"),
  });
  context.row(PIPELINE_SPECS.fd001Width, {
    ours: ofCv("intervalWidth"),
    seed: first,
    ...ofPeer("intervalWidth"),
  });
  const covered = reports.map(({ metrics }) => metrics.test["intervalCoverage"]?.toFixed(3) ?? "none");
  context.say(`FD001 coverage of the intervals on the official test, by seed: ${covered.join(", ")}`);
  context.say(
    `FD001 by seed: ${rmses.map((rmse, index) => `${seeds[index]}: ${rmse.toFixed(3)}`).join(", ")}${context.quick ? " (quick: one seed)" : ""}`,
  );
  const stages = Object.entries(reports[0]?.timingsMs ?? {});
  context.say(
    `FD001 stages of seed ${first}: ${stages.map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`).join(", ")}`,
  );
  context.row(PIPELINE_SPECS.fd001Wall, {
    ours: median(reports.map(({ wallMs }) => wallMs / 1000)),
    seed: first,
  });
  context.row(PIPELINE_SPECS.fd001Outside, { ours: median(reports.map(outsideSeconds)), seed: first });
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
