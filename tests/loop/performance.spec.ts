import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { apiPath } from "../../cli/client.ts";
import { performanceRowSchema } from "../../cli/performance/performance-check.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { labelsReplySchema } from "../../schemas/serving/observed-label.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { pipelineText } from "../faults/fixture/pumps.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices } from "../support/platform.ts";

/** A champion in use, labels that come from a file, and what a person sees of it on the command line. */

const STORY_MS = 170_000;
const MODEL = "faults";
const PIPELINE = pipelineText().replace(
  "monitoring: {",
  "performance: { minLabels: 40, every: 6h }\n\nmonitoring: {",
);

await describeWithServices("performance of a champion in use", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let folder: string;
  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    folder = await mkdtemp(join(tmpdir(), "aura-performance-"));
    const { runId } = await person.startRun({ pipeline: PIPELINE });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted" });
  });
  afterAll(async () => {
    await platform.dispose();
    await rm(folder, { recursive: true, force: true });
  });
  const aura = (...args: readonly string[]) =>
    createCli({
      cwd: folder,
      env: { ...process.env, AURA_API_URL: platform.apiUrl } as Record<string, string>,
    })(...args);
  const check = async () => {
    const { stdout, stderr, code } = await aura("performance", "check", MODEL, "--json");
    expect(code, stderr).toBe(0);
    return performanceRowSchema.parse(JSON.parse(stdout));
  };

  /** As the fixture's pumps fail, with other luck. */
  const questions = (() => {
    const random = createGenerator(77);
    return Array.from({ length: 300 }, () => {
      const [temperature, vibration] = [40 + 40 * random.next(), 2 + 8 * random.next()];
      const stress = (temperature - 60) / 8 + (vibration - 6) / 2 + 2 * (random.next() - 0.5);
      return { row: { temperature, vibration }, failed: stress > 0.8 };
    });
  })();

  it("is expected before labels, and realized once a file says what was true", async () => {
    const answer = z.looseObject({ predictionId: z.string(), probability: z.number() });
    const reply = z.looseObject({ predictions: z.array(answer) });
    const body = { rows: questions.map(({ row }) => row) };
    const path = apiPath`/v1/models/${MODEL}/predict`;
    const { predictions } = await person.ask(
      "answers",
      (client) => client.post(path, { reply, body }),
      isNeverFinal,
    );
    const described = await platform.client.schedule.getHandle(`performance/${MODEL}`).describe();
    expect(described.spec.intervals).toEqual([expect.objectContaining({ every: 21_600_000 })]);

    // What answered is in the index within a second or two.
    const labels = predictions.map(({ predictionId }, i) => ({
      predictionId,
      failed: questions[i]?.failed === true,
    }));
    const before = await untilAnswered("predictions in the index", inMs(STORY_MS), async () => {
      const found = await check();
      return found.report.periods[0]?.predictions === 300 ? found : undefined;
    });
    expect(before).toMatchObject({ state: "insufficient_labels", report: { estimate: { n: 300 } } });
    const csv = labels.map(({ predictionId, failed }) => `${predictionId},${failed ? 1 : 0}`).join("\n");
    await writeFile(join(folder, "truth.csv"), `prediction_id,value\n${csv}\n`);
    const added = await aura(
      "labels",
      "add",
      "truth.csv",
      "--kind",
      "class",
      "--source",
      "inspection",
      "--json",
    );
    expect(labelsReplySchema.partial().parse(JSON.parse(added.stdout)), added.stderr).toMatchObject({
      added: 300,
    });
    expect((await aura("labels", "add", "truth.csv", "--kind", "class")).stdout).toContain(
      "300 there before",
    );
    expect((await aura("labels", "list", "--limit", "2")).stdout).toContain("inspection");

    const after = await check();
    const rows = predictions.map(({ probability: p }, i) => ({
      p,
      y: questions[i]?.failed === true ? 1 : 0,
    }));
    const pairs = rows
      .filter(({ y }) => y === 1)
      .flatMap(({ p }) => rows.filter(({ y }) => y === 0).map((other) => p - other.p));
    const auc = pairs.reduce((sum, gap) => sum + (gap > 0 ? 1 : gap === 0 ? 0.5 : 0), 0) / pairs.length;
    expect(after.state, after.report.reason).toBe("ok");
    expect(Math.abs((after.value ?? 0) - auc)).toBeLessThan(1e-12);
    expect(after.report.periods[0]).toMatchObject({ labelled: 300, looked: 300 });
    const { estimate } = before.report;
    if (estimate.state === "available")
      expect(Math.abs((estimate.metrics["rocAuc"] ?? 0) - auc)).toBeLessThan(0.1);
  });

  it("is shown as text, as a page, as history and as metrics", async () => {
    const text = (await aura("performance", "report", MODEL)).stdout;
    expect(text).toMatch(/ok.*faults@1, 300 labelled/);
    expect(text).toContain("rocAuc");
    expect((await aura("performance", "report", MODEL, "--out", "p.html")).code).toBe(0);
    expect(await readFile(join(folder, "p.html"), "utf8")).toContain("<h1>faults@1: performance</h1>");
    expect((await aura("performance", "history", MODEL)).stdout).toMatch(/insufficient labels[^]*rocAuc/);
    const metrics = await (await fetch(`${platform.apiUrl}/metrics`)).text();
    expect(metrics).toContain('aura_performance_state{model="faults",version="1",state="ok"} 1');
    expect(metrics).toMatch(/aura_performance_realized\{model="faults",metric="rocAuc"\} 0\.\d+/);
    expect((await aura("performance", "check", "nobody")).code).not.toBe(0);
  });
});
