import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { dataDiffSchema } from "../../schemas/data/data-diff.ts";
import { dataPointerSchema, modelPointerSchema } from "../../schemas/data/data-pointer.ts";
import { reproductionSchema } from "../../schemas/runs/reproduction.ts";
import { generateFleet } from "../../sources/synthetic/fleet.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices, makeStateFolder, testEnvironment } from "../support/platform.ts";
import { SYNTHETIC_SOURCES } from "../support/synthetic-sources.ts";

/**
 * Bytes that repeat and data that is versioned, on a whole platform and a synthetic fleet: a version made again, one whose
 * record was changed, its files from a pointer, two datasets beside each other, and a dataset in a folder. One story, in order.
 */

const PIPELINE = `
name: fleet
${SYNTHETIC_SOURCES}
label: { kind: events, source: events, where: { type: failure } }
task: { kind: failure_within, horizon: 72h }
features:
  - current: { columns: [temperature, current, ambient] }
  - rolling: { columns: [temperature], stats: [mean], windows: [24h] }
split: { holdout: { by: asset, share: 0.3 }, folds: 2 }
candidates:
  - { kind: gbdt, params: { numIterations: 20, numLeaves: 7 } }
`;

const STORY_MS = 480_000;
const STEP_MS = 180_000;
const itemSchema = z.array(z.looseObject({ id: z.string() }));

await describeWithServices("versions of models and data", () => {
  const folder = makeStateFolder();
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let aura: ReturnType<typeof createCli>;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    aura = createCli({ cwd: folder, env: testEnvironment({ AURA_API_URL: platform.apiUrl }) });
  }, STEP_MS);
  afterAll(async () => {
    await platform.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (seed: number, pipeline = PIPELINE) => {
    const data = join(folder, `data-${seed}`);
    mkdirSync(data, { recursive: true });
    await generateFleet({ assets: 12, days: 24, intervalMinutes: 120, seed }, data);
    const names = ["readings.csv", "events.csv"];
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(data, name), "utf8")]));
    return (await person.startRun({ pipeline, files })).runId;
  };
  const rowsOf = async (sql: string) => {
    const client = new pg.Client({ connectionString: platform.databaseUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const everything = () =>
    rowsOf(`select (select count(*)::int from aura.model_versions) as versions,
                   (select count(*)::int from aura.runs) as runs,
                   (select count(*)::int from aura.stage_cache) as cached,
                   (select count(*)::int from aura.feature_sets) as sets,
                   (select count(*)::int from aura.alias_events) as aliases`);

  it(
    "makes a version again byte for byte, and changes nothing",
    async () => {
      await person.untilAsked(await start(3));
      const before = await everything();
      const { code, stdout, stderr } = await aura("reproduce", "fleet@1", "--json");
      expect(code, stderr).toBe(0);
      const result = reproductionSchema.parse(JSON.parse(stdout));
      expect(result).toMatchObject({ equal: true, code: { equal: true } });
      expect(result.files).toHaveLength(9);
      expect(result.files.every(({ equal, recorded }) => equal && recorded !== null)).toBe(true);
      expect(result.stages.map(({ equal }) => equal)).toEqual([true, true, true]);
      expect(await everything()).toEqual(before);
      const [row] = await rowsOf(
        "select outcome, details from aura.audit_log where action = 'version.reproduce' order by seq desc limit 1",
      );
      expect(row).toMatchObject({ outcome: "ok" });
    },
    STEP_MS,
  );

  it(
    "says which file and stage differ, and that the code is another",
    async () => {
      // A record that no training gives: the card is said to be the view, and another release to have made it.
      await rowsOf("create table recorded as select manifest from aura.model_versions");
      await rowsOf(`update aura.model_versions
         set manifest = jsonb_set(manifest::jsonb, '{files,onnx}', manifest::jsonb #> '{files,view}')::json,
             code = jsonb_set(code::jsonb, '{release}', '"0.0.1"')::json`);
      const { code, stdout } = await aura("reproduce", "fleet@1");
      expect(code).toBe(3);
      expect(stdout).toContain("fleet@1 came out different");
      expect(stdout).toMatch(/train: model\.onnx differs from byte \d+/);
      expect(stdout).toContain("evaluate: 5 files equal");
      expect(stdout).toContain("code: recorded AURA 0.0.1");
    },
    STEP_MS,
  );

  it("writes the files of a version from its pointer, and none that are not of its digest", async () => {
    await rowsOf(
      "update aura.model_versions set manifest = recorded.manifest from recorded where version = 1",
    );
    const { stdout: text } = await aura("models", "pointer", "fleet@1");
    expect(modelPointerSchema.parse(JSON.parse(text))).toMatchObject({ model: "fleet", version: 1 });
    writeFileSync(join(folder, "model.aura.json"), text);
    const { code, stderr } = await aura("models", "checkout", "model.aura.json", "--out", "model");
    expect(code, stderr).toBe(0);
    const [row] = await rowsOf(
      "select manifest -> 'files' -> 'onnx' ->> 'sha256' as sha256 from aura.model_versions",
    );
    expect(sha256Hex(readFileSync(join(folder, "model/model.onnx")))).toBe(row?.["sha256"]);
    writeFileSync(join(folder, "other.aura.json"), text.replace(/"id": "[0-9a-f]{8}/, '"id": "00000000'));
    expect((await aura("models", "checkout", "other.aura.json", "--out", "model")).stderr).toContain(
      "integrity",
    );
  });

  it("refuses a version that there is not, and a name that is none", async () => {
    expect((await aura("reproduce", "fleet@9")).code).toBe(2);
    expect((await aura("reproduce", "fleet")).code).toBe(2);
  });

  it(
    "compares two datasets by schema, rows and statistics",
    async () => {
      const runId = await start(
        4,
        PIPELINE.replace("{ name: voltage, unit: kV }", "{ name: voltage, unit: V }"),
      );
      // Its data are what is looked at, and no model.
      await expect
        .poll(
          async () =>
            itemSchema.parse(JSON.parse((await aura("data", "list", "--features", "--json")).stdout)),
          {
            timeout: STEP_MS,
            interval: 500,
          },
        )
        .toHaveLength(2);
      await person.cancel(runId);
      const { stdout: listed } = await aura("data", "list", "--json");
      const [b, a] = itemSchema.parse(JSON.parse(listed)).map(({ id }) => id);
      const { code, stdout, stderr } = await aura("data", "diff", a ?? "", b ?? "", "--json");
      expect(code, stderr).toBe(0);
      const diff = dataDiffSchema.parse(JSON.parse(stdout));
      expect(diff).toMatchObject({ kind: "dataset", equal: false, files: { nEqual: 0 } });
      const readings = diff.tables.find(({ name }) => name === "readings");
      const { equal = -1, changed = -1, added = -1, removed = -1 } = readings?.changes ?? {};
      expect(equal + changed + removed).toBe(readings?.rows.a);
      expect(equal + changed + added).toBe(readings?.rows.b);
      expect(changed).toBeGreaterThan(0);
      expect(readings?.schema).toEqual([
        { column: "voltage", change: "changed", a: "float, kV", b: "float, V" },
      ]);
      const temperature = readings?.columns.find(({ name }) => name === "temperature");
      expect(temperature?.isChanged).toBe(true);
      expect(temperature?.a.mean).toBeGreaterThan(0);
      // Its first digits are enough.
      const same = await aura("data", "diff", a ?? "", a?.slice(0, 12) ?? "");
      expect(same.stdout.trim()).toBe("they are the same");
    },
    STEP_MS,
  );

  it(
    "writes a dataset from its pointer, whole or not at all",
    async () => {
      const { stdout: listed } = await aura("data", "list", "--json");
      const id = itemSchema.parse(JSON.parse(listed))[0]?.id ?? "";
      const { stdout: text } = await aura("data", "pointer", id);
      expect(dataPointerSchema.parse(JSON.parse(text))).toMatchObject({
        of: "dataset",
        id,
        pipeline: "fleet",
      });
      writeFileSync(join(folder, "fleet.aura.json"), text);
      const checkout = (...more: string[]) =>
        aura("data", "checkout", "fleet.aura.json", "--out", "out", ...more);
      expect((await checkout("--format", "csv")).code).toBe(0);
      const [header, ...rows] = readFileSync(join(folder, "out/readings.csv"), "utf8").trim().split("\n");
      expect(header).toBe(
        "__asset,__t,__seq,__part,voltage,current,temperature,active_power,reactive_power,ambient,mode",
      );
      expect(rows.length).toBeGreaterThan(100);
      // Damage is mended, and an interrupted download leaves nothing that looks whole.
      const part = join(folder, "out/readings/part-00000.parquet");
      const whole = readFileSync(part);
      writeFileSync(part, whole.subarray(0, 100));
      expect((await checkout()).code).toBe(0);
      expect(readFileSync(part).equals(whole)).toBe(true);
      expect(existsSync(`${part}.partial`)).toBe(false);
      writeFileSync(join(folder, "bad.aura.json"), "{}");
      expect((await aura("data", "checkout", "bad.aura.json", "--out", "out")).code).toBe(2);
    },
    STEP_MS,
  );

  it(
    "lists, shows and compares feature sets, and writes one",
    async () => {
      const { stdout: listed } = await aura("data", "list", "--features", "--json");
      const [b, a] = itemSchema.parse(JSON.parse(listed)).map(({ id }) => id);
      expect((await aura("data", "show", a ?? "")).stdout).toContain("temperature_mean");
      const { code, stdout } = await aura("data", "diff", a ?? "", b ?? "", "--json");
      expect(code).toBe(0);
      expect(dataDiffSchema.parse(JSON.parse(stdout)).kind).toBe("features");
      expect((await aura("data", "checkout", b ?? "", "--out", "set")).code).toBe(0);
      expect(existsSync(join(folder, "set/features/part-00000.parquet"))).toBe(true);
    },
    STEP_MS,
  );
});
