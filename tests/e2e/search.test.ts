import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { trialCurvesSchema, trialListSchema } from "../../schemas/runs/trial.ts";
import type { TrialList, TrialView } from "../../schemas/runs/trial.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { DATA_FILE, pumpReadings } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices, testEnvironment } from "../support/platform.ts";

/**
 * A search of eight trials: once undisturbed with one training at a time, once with two at a time and a worker that is
 * killed in the middle. The trials are the same. Serial: one story.
 */

const STORY_MS = 240_000;
/** Eight commands, each a process. */
const CLI_MS = 120_000;
const N_TRIALS = 8;

const PIPELINE = `
name: searched
sources:
  readings:
    files: ${DATA_FILE}
    columns:
      - { name: pump, type: text, use: ignore }
      - { name: temperature, unit: °C }
      - { name: vibration, unit: mm/s }
      - { name: failed, type: integer, range: [0, 1], nullable: false, use: label }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
quality: { maxBadShare: 0.05 }
split: { holdout: { by: row, share: 0.25 }, folds: 2 }
candidates:
  - kind: gbdt
    params: { numIterations: 400, earlyStoppingRounds: 400 }
    search:
      learningRate: { kind: float, low: 0.01, high: 0.3, log: true }
      numLeaves: { kind: integer, low: 3, high: 15 }
      minDataInLeaf: { kind: integer, low: 5, high: 40, step: 5 }
  - { kind: linear }
search:
  tpe: { startupTrials: 4 }
  median: { startupTrials: 3 }
  budget: { trials: ${N_TRIALS} }
  generation: 2
  objectives: [rocAuc, logLoss]
metrics: { primary: rocAuc }
monitoring: { every: 7d, window: 7d }
`;

interface Story {
  readonly platform: FaultyPlatform;
  readonly client: ApiClient;
  readonly view: RunView;
  readonly trials: TrialList;
}

/** To be disposed of, whatever fails. */
const platforms: FaultyPlatform[] = [];

/** @param disturb is called once the first trials are there */
async function search(
  environment: Readonly<Record<string, string>>,
  disturb?: (platform: FaultyPlatform) => Promise<void>,
): Promise<Story> {
  const platform = await FaultyPlatform.start(undefined, environment);
  platforms.push(platform);
  const client = new ApiClient({ baseUrl: platform.apiUrl, timeoutMs: 10_000 });
  const person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
  const { runId } = await person.startRun({ pipeline: PIPELINE, files: { [DATA_FILE]: pumpReadings(11) } });
  const trialsOf = () => client.get(apiPath`/v1/runs/${runId}/trials`, trialListSchema);
  if (disturb !== undefined) {
    const isUnderWay = async () => (await trialsOf()).items.length > 2 || undefined;
    await untilAnswered("the first trials", inMs(STORY_MS), isUnderWay, { isFinal: isNeverFinal });
    await disturb(platform);
  }
  const view = await person.finishRun(runId);
  return { platform, client, view, trials: await trialsOf() };
}

/** What must not depend on who worked when. */
const lasting = (trials: readonly TrialView[]) => trials.map((trial) => ({ ...trial, seconds: 0 }));

await describeWithServices("a search", () => {
  let undisturbed: TrialList;
  let story: Story;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aura-search-"));
    const quiet = await search({ AURA_TRAININGS: "1" });
    undisturbed = quiet.trials;
    await quiet.platform.dispose();
    platforms.length = 0;
    story = await search({ AURA_TRAININGS: "2" }, (platform) =>
      platform.signal("worker", "SIGKILL", inMs(STORY_MS)),
    );
  }, STORY_MS);
  afterAll(async () => {
    for (const platform of platforms) await platform.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const aura = (...args: readonly string[]) =>
    createCli({ cwd: folder, env: testEnvironment({ AURA_API_URL: story.platform.apiUrl }) })(...args);

  it("has the same trials for one training at a time and for two with a worker killed", () => {
    const { items } = story.trials;
    expect(items.map(({ number }) => number)).toEqual(Array.from({ length: N_TRIALS }, (_, i) => i));
    expect(lasting(items)).toEqual(lasting(undisturbed.items));
    expect(story.platform.restarts).toBeGreaterThan(0);
  });

  it("goes on with the best trial, whose metrics cross-validation finds again", () => {
    expect(story.view).toMatchObject({ status: "finished", outcome: "promoted" });
    const [found] = story.trials.searches;
    const best = story.trials.items.find(({ number }) => number === found?.best);
    expect(found).toMatchObject({ candidate: "gbdt-1", trials: N_TRIALS, failed: 0 });
    expect(found?.pareto).toContain(best?.number);
    const evaluated = story.view.evaluation?.candidates.find(({ kind }) => kind === "gbdt");
    expect(evaluated?.cv).toMatchObject(best?.metrics ?? {});
    const train = story.view.stages.find(({ stage }) => stage === "train");
    expect(train?.detail).toContain(`after ${N_TRIALS} trials`);
  });

  it("keeps a learning curve for every fold", async () => {
    const path = apiPath`/v1/runs/${story.view.runId}/trials/${"gbdt-1"}/${0}/curves`;
    const { folds } = await story.client.get(path, trialCurvesSchema);
    expect(folds.map(({ fold, history }) => [fold, history.length])).toEqual([
      [0, 400],
      [1, 400],
    ]);
  });

  it(
    "is shown, compared and exported",
    async () => {
      const { runId } = story.view;
      const shown = await aura("runs", "show", runId);
      expect(shown.stdout).toMatch(/search of gbdt-1 {2}8 trials in .* complete/);
      expect(shown.stdout).toMatch(/★ +\d+ +complete/);
      expect(shown.stdout).toContain("rocAuc by trial: ● complete, × pruned, ─ best so far");
      const trial0 = await aura("runs", "show", runId, "--trial", "0");
      expect(trial0.stdout).toMatch(/figure on the early-stopping rows/);
      const unknown = await aura("runs", "show", runId, "--trial", "99");
      expect(unknown.stderr).toContain("show trial 99");
      const compared = await aura("runs", "compare", runId, runId, "--json");
      expect(JSON.parse(compared.stdout)).toHaveLength(2);
      expect((await aura("runs", "export", runId)).stdout).toContain("8 trials written to trials.csv");
      const [head = "", ...lines] = readFileSync(join(folder, "trials.csv"), "utf8").trim().split("\n");
      expect(head).toMatch(
        /^candidate,number,state,loss,objective.rocAuc,objective.logLoss,param.learningRate,/,
      );
      expect(lines).toHaveLength(N_TRIALS);
      expect((await aura("runs", "export", runId, "--format", "parquet")).code).toBe(0);
      expect(readFileSync(join(folder, "trials.parquet")).subarray(0, 4).toString()).toBe("PAR1");
      expect((await aura("runs", "export", runId, "--format", "mlflow")).code).toBe(0);
      const [experiment = ""] = readdirSync(join(folder, "mlruns"));
      const exported = readdirSync(join(folder, "mlruns", experiment)).filter((name) => name !== "meta.yaml");
      // The run itself, and its trials within it.
      expect(exported).toHaveLength(N_TRIALS + 1);
      const pathOf = (name: string) => join(folder, "mlruns", experiment, name);
      const nested = exported.filter((name) => existsSync(join(pathOf(name), "tags/mlflow.parentRunId")));
      expect(nested).toHaveLength(N_TRIALS);
      const trial = pathOf(nested[0] ?? "");
      for (const file of ["meta.yaml", "params/numLeaves", "metrics/rocAuc", "tags/mlflow.runName"])
        expect(existsSync(join(trial, file)), file).toBe(true);
    },
    CLI_MS,
  );
});
