import { afterAll, beforeAll, expect, it } from "vitest";
import { CPU_JOBS } from "../../activities/cpu/jobs.ts";
import type { PerformanceDeps } from "../../activities/performance/judged-version.ts";
import { realizedPerformance } from "../../activities/performance/realized.ts";
import { encodeTraceBatch, schemaMessage } from "../../api/trace/arrow-batch.ts";
import { ReadingIntake } from "../../intake/reading-intake.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import { liveSourceSchema } from "../../schemas/live/source.ts";
import { readLabel, sentLabelSchema } from "../../schemas/serving/observed-label.ts";
import type { NewLabel } from "../../schemas/serving/observed-label.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, PredictionIndexRow, VersionRow } from "../../stores/postgres/port.ts";
import { MemoryObjects } from "../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf, datasetOf, runOf } from "../support/registry-samples.ts";
import { answerOf, promoteJudged } from "./support/judged-model.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-06-01T00:00:00Z");
const EXACT = 1e-12;

/**
 * Sixty days of answers and no label; then all labels at once. What is realized then is held against a computation that shares
 * nothing with it: loops over all pairs of answers and events, and metrics by their definitions.
 */
await describeWithServices("labels that come after sixty days", () => {
  let test: TestDatabase;
  let db: Database;
  const objects = new MemoryObjects();
  let deps: PerformanceDeps;
  beforeAll(async () => {
    test = await createTestDatabase("late");
    db = await createDatabase(test.url);
    // The same jobs as on the threads of a worker, on this one.
    const cpu = { run: async (job: keyof typeof CPU_JOBS, input: never) => CPU_JOBS[job](input, {}) };
    deps = { db, objects, cpu: cpu as unknown as PerformanceDeps["cpu"] };
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });
  const add = async (labels: readonly unknown[]) => {
    const read = labels.map((label): NewLabel => readLabel(sentLabelSchema.parse(label), "test", Date.now()));
    const outcomes = await db.labels.add(read, auditOf("labels.add"));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["added"]));
  };
  const all = ({ model, digest }: VersionRow) => ({
    model,
    digest,
    since: new Date(NOW - 60 * DAY_MS).toISOString(),
    until: new Date(NOW).toISOString(),
  });
  const near = (found: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>) => {
    for (const [key, value] of Object.entries(expected))
      expect(Math.abs((found[key] as number) - value), key).toBeLessThanOrEqual(
        EXACT * Math.max(1, Math.abs(value)),
      );
  };

  /** Sixty assets, an answer a day each; about half of them fail, some twice. */
  function fleet(seed: number) {
    const generator = createGenerator(seed);
    return Array.from({ length: 60 }, (_, i) => {
      const failures = [0, 1]
        .flatMap(() => (generator.next() < 0.45 ? [10 + generator.integer(45)] : []))
        .toSorted((a, b) => a - b);
      const seen = generator.next() < 0.7 ? 58 : 20 + generator.integer(30);
      const days = Array.from({ length: 56 }, (_day, day) => ({
        day,
        noise: generator.normal(),
        chance: generator.next(),
      }));
      return { asset: `unit ${i} Ø`, failures, seen, days };
    });
  }

  it("of a failure within a horizon: every metric is that of an offline join", async () => {
    const HORIZON = 7;
    const version = await promoteJudged(deps, {
      name: "within",
      timeKind: "timestamp",
      label: { kind: "events", source: "failures" },
      task: { kind: "failure_within", horizon: `${HORIZON}d` },
      performance: { minLabels: 50, window: "20d", lookback: 4, every: "1d" },
      signature: {
        problem: "binary",
        task: "failure_within",
        output: { threshold: 0.4, calibration: "platt" },
      },
      test: { averagePrecision: 0.9 },
    });
    const day = (n: number) => NOW - 60 * DAY_MS + n * DAY_MS;
    const machines = fleet(3);
    const answers = machines.flatMap(({ asset, failures, days }) =>
      days.map(({ day: n, noise }) => {
        const next = failures.find((failure) => failure > n) ?? 99;
        const value = 1 / (1 + Math.exp((next - n - HORIZON) / 4 + noise));
        return { asset, n, value };
      }),
    );
    const rows = answers.map(({ asset, n, value }) =>
      answerOf(version, { asset, t: day(n) * 1_000, at: new Date(day(n) + 1_000).toISOString(), value }),
    );
    await db.predictions.index(rows);
    const before = await realizedPerformance(deps, all(version));
    expect(before).toMatchObject({ predictions: rows.length, labelled: 0, metrics: {}, unavailable: null });

    await add(
      machines.flatMap(({ asset, failures, seen }) => [
        ...[...new Set(failures)].map((n) => ({ kind: "failure", asset, t: new Date(day(n)).toISOString() })),
        { kind: "event_free", asset, t: new Date(day(seen)).toISOString() },
      ]),
    );
    // Offline: for each answer, all failures of its asset one after the other.
    const judged = answers.flatMap(({ asset, n, value }) => {
      const machine = machines.find((one) => one.asset === asset);
      const later = (machine?.failures ?? []).filter((failure) => failure > n);
      if (later.some((failure) => failure - n <= HORIZON)) return [{ y: 1, p: value }];
      if (later.length > 0 || (machine?.seen ?? 0) >= n + HORIZON) return [{ y: 0, p: value }];
      return [];
    });
    const found = await realizedPerformance(deps, all(version));
    expect(found).toMatchObject({ predictions: rows.length, looked: rows.length, labelled: judged.length });
    expect(found.labelled).toBeGreaterThan(1_000);
    expect(found.labelled).toBeLessThan(rows.length);
    near(found.metrics, offlineBinary(judged, 0.4));
    const [low, high] = found.intervals["averagePrecision"] ?? [1, 0];
    expect(low).toBeLessThan(found.metrics["averagePrecision"] as number);
    expect(high).toBeGreaterThan(found.metrics["averagePrecision"] as number);
    expect(high - low).toBeLessThan(0.3);
  });

  it("of a remaining life: errors are those of an offline join, with its cap", async () => {
    const CAP = 20;
    const version = await promoteJudged(deps, {
      name: "lives",
      timeKind: "cycle",
      label: { kind: "end_of_life", ends: [{ at: "last_reading" }], cap: CAP },
      task: { kind: "rul" },
      signature: { problem: "regression", task: "rul", output: { cap: CAP } },
      test: { rmse: 3 },
    });
    const machines = fleet(4).map((machine) => ({ ...machine, failures: machine.failures.slice(0, 1) }));
    const answers = machines.flatMap(({ asset, failures, days }) =>
      days.flatMap(({ day: n, noise }) => {
        const [end = 70] = failures;
        return n > end ? [] : [{ asset, n, value: Math.max(0, Math.min(CAP, end - n) + 2 * noise) }];
      }),
    );
    await db.predictions.index(
      answers.map(({ asset, n, value }) =>
        answerOf(version, { asset, t: n, at: new Date(NOW - 50 * DAY_MS).toISOString(), value }),
      ),
    );
    await add(
      machines.flatMap(({ asset, failures, seen }) => [
        ...failures.map((t) => ({ kind: "failure", asset, t })),
        { kind: "event_free", asset, t: seen },
      ]),
    );
    const errors: number[] = [];
    let nBounds = 0;
    for (const { asset, n, value } of answers) {
      const { failures = [], seen = 0 } = machines.find((one) => one.asset === asset) ?? {};
      const [end] = failures;
      if (end !== undefined) errors.push(value - Math.min(CAP, end - n));
      else if (seen - n >= CAP) errors.push(value - CAP);
      else if (seen > n) nBounds++;
    }
    const found = await realizedPerformance(deps, all(version));
    expect(found).toMatchObject({ labelled: errors.length, censored: nBounds });
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    near(found.metrics, {
      rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
      mae: mean(errors.map(Math.abs)),
    });
    // A rollout asks by its own run's metric, of both versions: those of lives have intervals only where they are asked for.
    expect([found.primaryMetric, found.intervals["lifeLoss"]]).toEqual(["rmse", undefined]);
    const byLives = await realizedPerformance(deps, { ...all(version), metric: "lifeLoss" });
    expect(byLives).toMatchObject({ primaryMetric: "lifeLoss", metrics: found.metrics });
    expect(byLives.intervals["lifeLoss"]).toHaveLength(2);
    const made = await db.runs.inputOf(version.runId);
    const file = JSON.parse(made?.pipeline ?? "{}") as object;
    const pipelineText = JSON.stringify({ ...file, metrics: { primary: "mae" } });
    await db.runs.create({ ...runOf("rolls-out", version.model), pipelineText });
    expect(await realizedPerformance(deps, { ...all(version), runId: "rolls-out" })).toMatchObject({
      primaryMetric: "mae",
    });
    expect(await realizedPerformance(deps, { ...all(version), runId: null })).toEqual(found);
  });

  it("of classes without assets: each label finds the prediction that it names, and no other", async () => {
    const classLabels = ["fine", "jam", "leak"];
    const version = await promoteJudged(deps, {
      name: "classes",
      timeKind: "none",
      label: { kind: "column", column: "state" },
      task: { kind: "class" },
      signature: {
        problem: "multiclass",
        task: "class",
        output: { classLabels, calibration: "temperature" },
      },
      test: { macroF1: 0.8 },
    });
    const generator = createGenerator(9);
    const rows = Array.from({ length: 400 }, (_, i) => {
      const scores = classLabels.map(() => Math.exp(1.5 * generator.normal()));
      const total = scores.reduce((a, b) => a + b);
      const outputs = Float64Array.from(scores, (score) => score / total);
      const truth = generator.next() < 0.7 ? outputs.indexOf(Math.max(...outputs)) : generator.integer(3);
      const at = new Date(NOW - 60 * DAY_MS + i * 3_600_000).toISOString();
      const row = answerOf(version, {
        asset: null,
        t: null,
        at,
        value: outputs.indexOf(Math.max(...outputs)),
        segment: "classes",
      });
      return { row, outputs, truth };
    });
    await db.predictions.index(rows.map(({ row }) => row));
    const traced = rows.map(({ row: { at, ...row }, outputs }) => ({
      ...row,
      atMicros: Date.parse(at) * 1_000,
      features: Float64Array.of(1),
      outputs,
    }));
    const bytes = Buffer.concat([
      schemaMessage(),
      encodeTraceBatch(traced.slice(0, 7)),
      encodeTraceBatch(traced.slice(7)),
    ]);
    await db.predictions.shipped("classes", await objects.put("logs/classes.arrow", bytes));
    const labelled = rows.filter((_, i) => i % 3 !== 0);
    await add(
      labelled.map(({ row, truth }) => ({
        kind: "class",
        predictionId: row.predictionId,
        value: classLabels[truth],
      })),
    );
    const found = await realizedPerformance(deps, all(version));
    expect(found).toMatchObject({ labelled: labelled.length, predictions: 400 });
    const isRight = ({ outputs, truth }: (typeof rows)[number]) =>
      outputs.indexOf(Math.max(...outputs)) === truth;
    const n = labelled.length;
    const f1 = classLabels.map((_, k) => {
      const said = labelled.filter(({ outputs }) => outputs.indexOf(Math.max(...outputs)) === k);
      const true_ = labelled.filter(({ truth }) => truth === k);
      return (2 * said.filter(isRight).length) / (said.length + true_.length);
    });
    near(found.metrics, {
      accuracy: labelled.filter(isRight).length / n,
      macroF1: f1.reduce((a, b) => a + b) / 3,
      logLoss: labelled.reduce((sum, { outputs, truth }) => sum - Math.log(outputs[truth] as number), 0) / n,
    });
  });

  it("takes live readings for sightings where the file says so, and only after the delay", async () => {
    const now = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    const day = (n: number) => new Date(now - 20 * DAY_MS + n * DAY_MS).toISOString();
    const model = {
      timeKind: "timestamp",
      label: { kind: "events", source: "failures" },
      task: { kind: "failure_within", horizon: "3d" },
      live: "watched",
      signature: { problem: "binary", task: "failure_within", output: { threshold: 0.5 } },
      test: { averagePrecision: 0.9 },
    } as const;
    await db.liveSources.put(
      liveSourceSchema.parse({ name: "watched", owner: "test", retention: "90d", columns: [{ name: "x" }] }),
      { id: "test", role: "admin", authenticated: true },
    );
    const intake = new ReadingIntake({ sources: () => db.liveSources, readings: () => db.readings });
    await intake.submit("watched", "http", [
      ...["seen 1", "seen 2"].flatMap((asset) =>
        [2, 9, 19].map((n) => ({ asset, time: day(n), values: { x: 1 } })),
      ),
      { asset: "other", time: day(19), values: { x: 1 } },
    ]);
    await add([{ kind: "failure", asset: "seen 2", t: day(7) }]);
    const labelledBy = async (name: string, performance: object) => {
      const version = await promoteJudged(deps, { ...model, name, performance });
      const answers = ["seen 1", "seen 2", "never seen"].flatMap((asset) =>
        [1, 5, 8, 15].map((n) =>
          answerOf(version, { asset, t: Date.parse(day(n)) * 1_000, at: day(n), value: 0.1 + n / 20 }),
        ),
      );
      await db.predictions.index(answers);
      const window = { model: name, digest: version.digest, since: day(0), until: day(20) };
      return (await realizedPerformance(deps, window)).labelled;
    };
    // Of seen 2 the answers before its failure; of the other, and after it, nobody knows.
    expect(await labelledBy("unwatched", { seen: "labels" })).toBe(2);
    // Until the 19th: all of seen 1, and what came after the failure of seen 2.
    expect(await labelledBy("sighted", { seen: "readings", delay: "1h" })).toBe(8);
    // Failures of the last ten days may not be reported yet: seen until the 9th.
    expect(await labelledBy("waited", { seen: "readings", delay: "10d" })).toBe(4);
  });

  it.each([
    { name: "held-assets", timeKind: "cycle", split: {} },
    { name: "held-times", timeKind: "timestamp", split: { holdoutFrom: 8, gapFrom: 6 } },
  ] as const)("leaves out what the version learnt from: $name", async ({ name, timeKind, split }) => {
    // Ten times of each: `trained` and `short` train, to the tenth and the fourth; `held` does not, and `new` came later.
    const timeOf = (n: number) =>
      timeKind === "cycle" ? n : Date.parse(`2026-03-${10 + n}T00:00:00Z`) * 1_000;
    const textOf = (n: number) =>
      timeKind === "cycle" ? String(n) : new Date(timeOf(n) / 1_000).toISOString();
    const ends = { held: 10, short: 4, trained: 10 };
    const dataset = datasetOf(name, []);
    const assets = Object.entries(ends).map(([id, end]) => {
      return { id, source: "readings", rows: 10, firstT: textOf(1), lastT: textOf(end) };
    });
    // The time of an asset in another source says nothing.
    const events = { id: "short", source: "failures", rows: 1, firstT: textOf(1), lastT: textOf(10) };
    await db.datasets.register({ ...dataset, assets: [...assets, events] });
    const bounds = Object.entries(split).map(([key, n]) => [key, timeOf(n)]);
    const version = await promoteJudged(deps, {
      name,
      timeKind,
      label: { kind: "column", column: "state", positive: "worn" },
      task: { kind: "class" },
      signature: { problem: "binary", task: "class", output: { threshold: 0.5 } },
      test: { averagePrecision: 0.8 },
      dataset: dataset.id,
      split: {
        kind: "aura.split/1",
        unit: "asset",
        ids: Object.keys(ends),
        folds: [[name === "held-assets" ? HOLDOUT_FOLD : 1, 0, 1]],
        ...Object.fromEntries(bounds),
      },
    });
    const asked = ["held", "short", "trained", "new"].flatMap((asset, i) =>
      Array.from({ length: 10 }, (_, at) => ({ asset, n: at + 1, value: ((7 * at + 3 * i) % 10) / 10 })),
    );
    const at = new Date(NOW - DAY_MS).toISOString();
    await db.predictions.index(
      asked.map(({ asset, n, value }) => answerOf(version, { asset, t: timeOf(n), at, value })),
    );
    // What nobody said a time of cannot be told, and is judged.
    const untimed = answerOf(version, { asset: "trained", t: null, at, value: 0.9 });
    await db.predictions.index([untimed]);
    const isWorn = (n: number) => n % 3 === 0;
    await add([
      ...asked.map(({ asset, n }) => {
        const t = timeKind === "cycle" ? n : textOf(n);
        return { kind: "class", asset, t, value: isWorn(n) ? "worn" : "fine" };
      }),
      { kind: "class", predictionId: untimed.predictionId, value: "worn" },
    ]);
    const isLearnt = ({ asset, n }: { asset: string; n: number }) =>
      name === "held-assets"
        ? (asset === "short" && n <= 4) || asset === "trained"
        : asset !== "new" && n < (asset === "short" ? 5 : 6);
    const kept = asked
      .filter((one) => !isLearnt(one))
      .map(({ n, value }) => ({ y: isWorn(n) ? 1 : 0, p: value }));
    const judged = [...kept, { y: 1, p: 0.9 }];
    const found = await realizedPerformance(deps, all(version));
    expect(found).toMatchObject({
      predictions: 41,
      looked: judged.length,
      labelled: judged.length,
      learntRows: 41 - judged.length,
    });
    const { rocAuc, averagePrecision, accuracy } = offlineBinary(judged, 0.5);
    near(found.metrics, { rocAuc, averagePrecision, accuracy });
  });

  it("leaves shadows aside, and judges them alone where they are asked for", async () => {
    const version = await promoteJudged(deps, {
      name: "shadowed",
      timeKind: "cycle",
      label: { kind: "column", column: "state", positive: "worn" },
      task: { kind: "class" },
      signature: { problem: "binary", task: "class", output: { threshold: 0.5 } },
      test: { averagePrecision: 0.8 },
    });
    const answer = (t: number, over: Partial<PredictionIndexRow>) =>
      answerOf(version, { asset: "a", t, at: new Date(NOW - DAY_MS).toISOString(), value: 0.9, ...over });
    await db.predictions.index([
      answer(1, {}),
      answer(2, { value: 0.2 }),
      answer(1, { role: "shadow", value: 0.1 }),
    ]);
    await add([
      { kind: "class", asset: "a", t: 1, value: "worn" },
      { kind: "class", asset: "a", t: 2, value: "fine" },
      { kind: "class", asset: "a", t: 3, value: "worn" },
    ]);
    expect(await realizedPerformance(deps, all(version))).toMatchObject({
      labelled: 2,
      metrics: { accuracy: 1 },
    });
    expect(await realizedPerformance(deps, { ...all(version), role: "shadow" })).toMatchObject({
      labelled: 1,
      metrics: { accuracy: 0 },
    });
  });
});

/** Metrics by their definitions, over all pairs and thresholds. */
function offlineBinary(rows: readonly { readonly y: number; readonly p: number }[], threshold: number) {
  const [positives, negatives] = [rows.filter(({ y }) => y === 1), rows.filter(({ y }) => y === 0)];
  let inOrder = 0;
  for (const { p } of positives)
    for (const other of negatives) inOrder += p > other.p ? 1 : p === other.p ? 0.5 : 0;
  const thresholds = [...new Set(rows.map(({ p }) => p))].toSorted((a, b) => b - a);
  let [area, recall] = [0, 0];
  for (const at of thresholds) {
    const caught = positives.filter(({ p }) => p >= at).length;
    const alerts = rows.filter(({ p }) => p >= at).length;
    area += (caught / positives.length - recall) * (caught / alerts);
    recall = caught / positives.length;
  }
  const caught = positives.filter(({ p }) => p >= threshold).length;
  const alarms = negatives.filter(({ p }) => p >= threshold).length;
  const mean = (value: (row: { y: number; p: number }) => number) =>
    rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  return {
    rocAuc: inOrder / (positives.length * negatives.length),
    averagePrecision: area,
    precision: caught / (caught + alarms),
    recall: caught / positives.length,
    f1: (2 * caught) / (caught + alarms + positives.length),
    accuracy: (caught + negatives.length - alarms) / rows.length,
    brier: mean(({ y, p }) => (p - y) ** 2),
    logLoss: mean(({ y, p }) => -Math.log(y === 1 ? p : 1 - p)),
  };
}
