import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { apiPath } from "../../cli/client.ts";
import { performanceRowSchema } from "../../cli/performance/performance-check.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { labelsReplySchema } from "../../schemas/serving/observed-label.ts";
import { isNeverFinal, PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/**
 * Remaining lives on a whole platform: answers know what they are about, by their readings or by the times beside rows, failures
 * that are reported later find them, and the errors of the folds say what was to be expected.
 */

const STORY_MS = 170_000;
const MODEL = "wear";
const CAP = 60;
const DATA_FILE = "wear.csv";
const PIPELINE = `
name: ${MODEL}
sources:
  readings:
    files: ${DATA_FILE}
    asset: unit
    time: { column: cycle, kind: cycle }
    columns: [{ name: wear }, { name: heat }]
label: { kind: end_of_life, ends: [{ at: last_reading }], cap: ${CAP} }
task: { kind: rul }
features: [{ current: { columns: [wear, heat] } }]
split: { folds: 3 }
candidates: [{ kind: gbdt, params: { numIterations: 60, numLeaves: 8 } }]
approval: { quorum: 1, deadline: 1h }
performance: { minLabels: 60, tolerance: 0.3 }
`;

interface Unit {
  readonly asset: string;
  readonly life: number;
  readonly readings: readonly { readonly t: number; readonly wear: number; readonly heat: number }[];
}

function fleet(prefix: string, n: number, seed: number): Unit[] {
  const random = createGenerator(seed);
  return Array.from({ length: n }, (_unit, i) => {
    const life = 70 + random.integer(80);
    const readings = Array.from({ length: life }, (_reading, c) => ({
      t: c + 1,
      wear: Math.exp(-(life - c) / 30) + 0.05 * random.normal(),
      heat: (c + 1) / 100 + 0.1 * random.normal(),
    }));
    return { asset: `${prefix}-${i}`, life, readings };
  });
}

/** A fifth of them is held out. */
const OLD = fleet("old", 60, 5);

await describeWithServices("remaining lives in use", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    const lines = OLD.flatMap(({ asset, readings }) =>
      readings.map(({ t, wear, heat }) => `${asset},${t},${wear},${heat}`),
    );
    const files = { [DATA_FILE]: `unit,cycle,wear,heat\n${lines.join("\n")}\n` };
    const { runId } = await person.startRun({ pipeline: PIPELINE, files });
    expect(await person.finishRun(runId)).toMatchObject({ outcome: "promoted" });
  });
  afterAll(() => platform.dispose());

  it("realizes the errors of answers by readings and by rows with their times", async () => {
    const reply = z.looseObject({ predictions: z.array(z.looseObject({ value: z.number() })) });
    const path = apiPath`/v1/models/${MODEL}/predict`;
    const ask = (body: object) =>
      person.ask("an answer", (client) => client.post(path, { reply, body }), isNeverFinal);
    const units = fleet("new", 30, 6);
    const errors: number[] = [];
    for (const { asset, life, readings } of units) {
      const at = 20 + (errors.length % 40);
      const { predictions } = await ask({ asset, readings: readings.slice(0, at) });
      errors.push((predictions[0]?.value ?? NaN) - Math.min(CAP, life - at));
    }
    const asked = units.flatMap(({ asset, life, readings }) =>
      [10, 45, 65].map((at) => ({ asset, life, at, reading: readings[at - 1] })),
    );
    const { predictions } = await ask({
      assets: asked.map(({ asset }) => asset),
      times: asked.map(({ at }) => at),
      rows: asked.map(({ reading }) => ({ wear: reading?.wear, heat: reading?.heat })),
    });
    predictions.forEach(({ value }, i) => {
      const { life = NaN, at = NaN } = asked[i] ?? {};
      errors.push(value - Math.min(CAP, life - at));
    });
    // Rows of the training file, and one of each machine that came after it: four fifths of the first were learnt from.
    const known = OLD.flatMap(({ asset, life }) => [5, life + 1].map((at) => ({ asset, at })));
    await ask({
      assets: known.map(({ asset }) => asset),
      times: known.map(({ at }) => at),
      rows: known.map(({ at }) => ({ wear: 0.1, heat: at / 100 })),
    });
    const labels = units.map(({ asset, life }) => ({ kind: "failure", asset, t: life }));
    const added = await person.ask("labels", (client) =>
      client.post("/labels", { reply: labelsReplySchema, body: { labels } }),
    );
    expect(added).toMatchObject({ added: 30 });

    const listed = z.looseObject({ items: z.array(performanceRowSchema) });
    const found = await untilAnswered("a report of all answers", inMs(STORY_MS), async () => {
      await person.ask("check", (client) =>
        client.post(apiPath`/v1/performance/${MODEL}/check`, { reply: z.unknown() }),
      );
      const { items } = await person.ask("reports", (client) =>
        client.get(apiPath`/v1/performance/${MODEL}`, listed, { limit: 1 }),
      );
      return items[0]?.report.periods[0]?.predictions === errors.length + 120 ? items[0] : undefined;
    });
    const [period] = found.report.periods;
    const rmse = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(period).toMatchObject({
      labelled: errors.length,
      assets: 30,
      learntRows: 48,
      looked: errors.length + 72,
    });
    expect(Math.abs((period?.metrics["rmse"] ?? 0) - rmse)).toBeLessThan(1e-12 * rmse + 1e-12);
    expect(found.state, found.report.reason).toBe("ok");
    // Other machines, and other cycles of them than the folds had: about as far off all the same.
    const { estimate } = found.report;
    expect(estimate).toMatchObject({ state: "available", method: "error_model" });
    expect(Math.abs((estimate.metrics["rmse"] ?? 0) / rmse - 1)).toBeLessThan(0.3);
  });
});
