import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MockActivityEnvironment } from "@temporalio/testing";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { TrialView } from "../../schemas/runs/trial.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { CPU_JOBS } from "../cpu/jobs.ts";
import type { CpuCallbacks } from "../cpu/cpu-pool.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { startHeartbeat } from "../heartbeat.ts";
import { BinCache } from "./bin-cache.ts";
import { putCheckpoint } from "../training/checkpoint.ts";
import { budgetOf, trialPipeline } from "./plan.ts";
import type { TrainingCheckpoint } from "../training/checkpoint-sender.ts";
import { runTrial, TRIAL_VERSION } from "./trial.ts";
import type { TrialDeps, TrialOrder } from "./trial.ts";

/** Trials on a small table, on the thread of the test. */

const N_ROWS = 240;
const N_TRIALS = 8;
const GENERATION = 4;
const PLAN_HASH = "a".repeat(64);

const PIPELINE: Pipeline = pipelineSchema.parse({
  name: "pumps",
  sources: {
    readings: {
      files: "a.csv",
      columns: [{ name: "heat" }, { name: "failed", type: "integer", use: "label" }],
    },
  },
  label: { kind: "column", column: "failed", positive: 1 },
  task: { kind: "class" },
  split: { folds: 2 },
  candidates: [
    { kind: "linear" },
    {
      kind: "gbdt",
      params: { numIterations: 15, minDataInLeaf: 5 },
      search: {
        learningRate: { kind: "float", low: 0.01, high: 0.5, log: true },
        numLeaves: { kind: "integer", low: 2, high: 12 },
        features: { kind: "choice", choices: ["*", "heat", "noise"] },
      },
    },
  ],
  search: {
    generation: GENERATION,
    tpe: { startupTrials: 4 },
    median: { startupTrials: 2 },
    budget: { trials: N_TRIALS },
    objectives: ["rocAuc", "logLoss"],
  },
});

function tableOf(): FeatureTable {
  const random = createGenerator(5);
  const data = Float64Array.from({ length: 3 * N_ROWS }, () => random.next());
  const y = Float64Array.from({ length: N_ROWS }, (_, row) =>
    (data[3 * row] ?? 0) + 0.4 * random.next() > 0.7 ? 1 : 0,
  );
  const names = ["heat", "load", "noise"];
  return {
    matrix: { data, nRows: N_ROWS, nColumns: 3 },
    features: names.map((name, i) => ({ name, physical: `f${i}`, kind: "number" })),
    classLabels: null,
    y,
    yRaw: y,
    yLeast: new Float64Array(y.length).fill(Number.NaN),
    t: new Float64Array(N_ROWS),
    seq: Float64Array.from({ length: N_ROWS }, (_, row) => row),
    last: new Uint8Array(N_ROWS),
    assetCodes: new Int32Array(N_ROWS),
    assets: ["a"],
    ofRows: N_ROWS,
    ofAssets: 1,
    areAssetsWhole: true,
  };
}

let folder: string;
let objects: ObjectStore;
let nTrained = 0;
const warnings: string[] = [];
let deps: TrialDeps;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-trial-"));
  objects = createObjectStore({
    objects: `file://${folder}/objects`,
    cacheDir: join(folder, "cache"),
    cacheMaxBytes: 1e6,
  });
  const table = tableOf();
  const run = async (name: keyof typeof CPU_JOBS, input: never, { onCheckpoint }: CpuCallbacks = {}) => {
    if (name === "trainTrialFold") nTrained += 1;
    const hooks = onCheckpoint === undefined ? {} : { sendCheckpoint: onCheckpoint };
    try {
      return (CPU_JOBS[name] as (input: never, hooks: unknown) => unknown)(input, hooks);
    } catch (error) {
      // As the pool does.
      throw error instanceof RangeError ? new PlatformError("not_enough_data", error.message) : error;
    }
  };
  const log = { warn: (_: unknown, text: string) => void warnings.push(text) };
  const bins = new BinCache();
  deps = { objects, tables: { load: async () => table }, cpu: { run }, log, bins } as unknown as TrialDeps;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function orderOf(number: number, earlier: readonly TrialView[], pipeline = PIPELINE): TrialOrder {
  const ref = { key: "processed/json/a.json", sha256: PLAN_HASH, bytes: 1 };
  const folds = Array.from({ length: N_ROWS }, (_, row) => row % 2);
  return {
    plan: {
      kind: "aura.search-plan/1",
      candidate: "gbdt-2",
      spec: ref,
      split: ref,
      folds: [0, 1].map((fold) => ({ repeat: 0, fold, featureSet: ref })),
    },
    planHash: PLAN_HASH,
    pipeline: trialPipeline(pipeline, "gbdt-2"),
    split: { kind: "aura.split/1", unit: "row", ids: [], folds: [folds] },
    number,
    earlier,
  };
}

interface Attempt {
  readonly trial: TrialView;
  /** Every heartbeat's details. */
  readonly beats: readonly unknown[];
}

async function attempt(
  order: TrialOrder,
  heartbeatDetails?: unknown,
  given: Partial<TrialDeps> = {},
): Promise<Attempt> {
  const environment = new MockActivityEnvironment({ heartbeatDetails });
  const beats: unknown[] = [];
  environment.on("heartbeat", (details: unknown) => beats.push(details));
  const trial = await environment.run<[], TrialView, () => Promise<TrialView>>(async () => {
    const beat = startHeartbeat();
    try {
      // Each report goes out at once: what a crash at that place would leave.
      return await runTrial({ ...deps, ...given }, order, {
        ...beat,
        report: (details) => void beats.push(details),
      });
    } finally {
      beat.stop();
    }
  });
  return { trial: { ...trial, seconds: 0 }, beats };
}

/** @param isReversed the trials of a generation end in the other order */
async function runAll(isReversed: boolean, pipeline = PIPELINE): Promise<TrialView[]> {
  const done: TrialView[] = [];
  for (let start = 0; start < N_TRIALS; start += GENERATION) {
    const earlier = [...done];
    const numbers = Array.from({ length: GENERATION }, (_, i) => start + i);
    for (const number of isReversed ? numbers.toReversed() : numbers)
      done.push((await attempt(orderOf(number, earlier, pipeline))).trial);
  }
  return done.toSorted((a, b) => a.number - b.number);
}

it("gives the same trials in whatever order they end, and prunes some", async () => {
  const trials = await runAll(false);
  expect(await runAll(true)).toEqual(trials);
  expect(new Set(trials.map(({ state }) => state))).toContain("complete");
  for (const { state, folds, objectives, loss } of trials) {
    expect(folds).toHaveLength(state === "complete" ? 2 : 1);
    expect(objectives.map(({ metric }) => metric)).toEqual(["rocAuc", "logLoss"]);
    expect(loss).toBe(-(objectives[0]?.value ?? 0));
    expect(folds.at(-1)?.value).toBe(objectives[0]?.value);
    expect(folds.at(-1)?.values).toEqual(objectives.map(({ value }) => value));
  }
  // Noise alone says nothing.
  const noise = trials.filter(({ parameters }) => parameters["features"] === "noise");
  const heat = trials.filter(({ parameters }) => parameters["features"] !== "noise");
  expect(Math.min(...heat.map(({ loss }) => loss ?? 0))).toBeLessThan(
    Math.min(0, ...noise.map(({ loss }) => loss ?? 0)),
  );
});

it("goes on from any heartbeat to the same trial, without training a finished fold again", async () => {
  const whole = await attempt(orderOf(0, []));
  expect(whole.beats.length).toBeGreaterThanOrEqual(3);
  for (const details of whole.beats) {
    nTrained = 0;
    expect((await attempt(orderOf(0, []), details)).trial).toEqual(whole.trial);
    expect(nTrained).toBe(2 - ((details as { folds?: [] } | undefined)?.folds?.length ?? 0));
  }
});

it.each([
  ["another plan (data, folds, parameters)", { subject: `trial 0 of plan ${"b".repeat(64)}` }],
  ["another trial", { subject: `trial 1 of plan ${PLAN_HASH}` }],
  ["another fold", { place: 1 }],
  ["other code", { version: TRIAL_VERSION + 1 }],
])("trains anew where the checkpoint is of %s", async (_name, other) => {
  const owner = { subject: `trial 0 of plan ${PLAN_HASH}`, place: 0, version: TRIAL_VERSION, ...other };
  const checkpoint = await putCheckpoint(objects, owner, { parts: [] });
  warnings.length = 0;
  const again = await attempt(orderOf(0, []), { folds: [], seconds: 1, checkpoint });
  expect(again.trial).toEqual((await attempt(orderOf(0, []))).trial);
  expect(warnings).toEqual(["a checkpoint is not used: the training starts anew"]);
});

const FORECAST: Pipeline = parsePipeline(
  `
name: heat
sources:
  readings:
    files: a.csv
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: heat }, { name: load }, { name: noise }]
task: { kind: forecast, column: heat, horizons: [1, 5], quantiles: [0.1, 0.5, 0.9] }
split: { folds: 2, holdout: { by: asset } }
candidates:
  - { kind: linear }
  - kind: gbdt
    params: { numIterations: 15, minDataInLeaf: 5, baggingFraction: 0.8, baggingFreq: 1 }
    search: { numLeaves: { kind: integer, low: 4, high: 8 } }
`,
  "p.yaml",
).pipeline;

/** The same rows, with what comes one and five rows later. */
function forecastTable(): FeatureTable {
  const table = tableOf();
  const { data, nColumns } = table.matrix;
  const now = Float64Array.from({ length: N_ROWS }, (_, row) => data[nColumns * row] ?? 0);
  const values = Float64Array.from(
    { length: 2 * N_ROWS },
    (_, at) => now[Math.floor(at / 2) + (at % 2 === 0 ? 1 : 5)] ?? Number.NaN,
  );
  const naive = Float64Array.from({ length: 2 * N_ROWS }, (_, at) => now[Math.floor(at / 2)] ?? 0);
  return { ...table, y: values.filter((_, at) => at % 2 === 0), targets: { nHorizons: 2, values, naive } };
}

/** A trial whose worker is killed once it sent so many checkpoints; what its last heartbeat said. */
async function killedAfter(nSent: number, given: Partial<TrialDeps>): Promise<Record<string, unknown>> {
  const beats: unknown[] = [];
  let nLeft = nSent;
  const run = async (name: keyof typeof CPU_JOBS, input: never, callbacks: CpuCallbacks = {}) => {
    const sent: TrainingCheckpoint[] = [];
    const job = CPU_JOBS[name] as (input: never, hooks: unknown) => unknown;
    const output = job(input, { sendCheckpoint: (made: TrainingCheckpoint) => void sent.push(made) });
    for (const one of sent) {
      if (nLeft-- === 0) throw new Error("killed");
      const nBeats = beats.length;
      let next = one;
      // One that comes while the one before is written is left out: here each is stored.
      const isStored = () => {
        callbacks.onCheckpoint?.(next);
        next = { ...one, ended: [] };
        expect(beats.length).toBeGreaterThan(nBeats);
      };
      await vi.waitFor(isStored, { interval: 2 });
    }
    return output;
  };
  const beat = { signal: new AbortController().signal, report: (one: unknown) => void beats.push(one) };
  const order = orderOf(0, [], FORECAST);
  const killed = new MockActivityEnvironment().run(() =>
    runTrial({ ...deps, ...given, cpu: { run } as never }, order, { ...beat, stop: () => undefined }),
  );
  await expect(killed).rejects.toThrow("killed");
  return beats.at(-1) as Record<string, unknown>;
}

it("goes on with a forecast wherever it was killed, to the same trial, with the models that had ended", async () => {
  const table = forecastTable();
  const given = { tables: { load: async () => table } as never, checkpointMs: 0 };
  const order = orderOf(0, [], FORECAST);
  const { trial: whole } = await attempt(order, undefined, given);
  expect(whole).toMatchObject({ state: "complete", objectives: [{ metric: "pinball" }] });
  warnings.length = 0;
  // In the first model of a fold, in a later one, and in the second fold.
  for (const nSent of [1, 4, 9, 22]) {
    const details = await killedAfter(nSent, given);
    expect(details).toHaveProperty("checkpoint");
    const resumed = await attempt(order, details, given);
    expect(resumed.trial).toEqual(whole);
  }
  expect(warnings).toEqual([]);
});

/** A disk of 128 KiB; undefined where this user may not mount one. */
async function mountSmallDisk(): Promise<{ path: string; store: ObjectStore } | undefined> {
  const path = join(folder, "small");
  await mkdir(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", [path]));
  const cacheDir = join(folder, "small-cache");
  return {
    path,
    store: createObjectStore({ objects: `file://${path}/objects`, cacheDir, cacheMaxBytes: 1e6 }),
  };
}

async function filesBelow(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).filter((name) => name.includes("processed/json/"));
}

it("bears a disk that is full: it says so, waits nowhere, and goes on when there is room", async ({
  skip,
}) => {
  const disk = await mountSmallDisk();
  if (disk === undefined) return skip("this user may not mount a disk");
  const order = orderOf(0, []);
  const whole = (await attempt(order)).trial;
  const given = { objects: disk.store, checkpointMs: 0 };
  warnings.length = 0;
  await writeFile(join(disk.path, "filler"), Buffer.alloc(120 * 1024));
  // Room for the rows of a fold, and not for a checkpoint of its trees.
  await writeFile(join(disk.path, "more"), Buffer.alloc(4096)).catch(() => undefined);
  await expect(attempt(order, undefined, given)).rejects.toMatchObject({ code: "objects_unavailable" });
  await vi.waitFor(() => expect(warnings.join()).toContain("a checkpoint could not be stored"));
  await rm(join(disk.path, "filler"));
  expect((await attempt(order, undefined, given)).trial).toEqual(whole);
  // Checkpoints that were made on the way are gone.
  expect(await filesBelow(disk.path)).toEqual([]);
});

it("counts what cannot be trained as a failed trial", async () => {
  const [linear, gbdt] = PIPELINE.candidates;
  const none = { features: { kind: "choice" as const, choices: ["pressure_*"] } };
  const pipeline = { ...PIPELINE, candidates: [linear, { ...gbdt, search: none }] } as Pipeline;
  expect((await attempt(orderOf(0, [], pipeline))).trial).toMatchObject({
    state: "failed",
    loss: null,
    folds: [],
    message: "features must match one of the 3 features or more, got pressure_*",
  });
});

it("asks for no more trials than a grid has points", () => {
  const search = { ...PIPELINE.search, sampler: "grid", budget: { trials: 1_000, time: "1h" } };
  const pipeline = pipelineSchema.parse({ ...PIPELINE, search });
  expect(budgetOf(pipeline, "gbdt-2")).toEqual({ trials: 75, timeMs: 3_600_000, generation: GENERATION });
});
