import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { lineageSchema } from "../../schemas/data/lineage.ts";
import { fleetScoreSchema, rankedAssetSchema, scoreSummarySchema } from "../../schemas/serving/score.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { generateFleet } from "../../sources/synthetic/fleet.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices, makeStateFolder, testEnvironment } from "../support/platform.ts";
import { SYNTHETIC_SOURCES } from "../support/synthetic-sources.ts";

/**
 * The command as people use it, with a platform of its own: a wrong file, a run that waits for its decision, the
 * decision, the same run again, the ranking. Serial: each step goes on from the one before.
 */

/** Small enough for seconds; the real one is examples/substation. */
const PIPELINE = `
name: small-substation
${SYNTHETIC_SOURCES.replace("use: ignore }", "use: ignore }\n      - { name: inspector, type: text }\n    pii: [inspector]")}
  attributes:
    role: attributes
    files: attributes.csv
    asset: asset
    columns:
      - { name: model, type: text }
      - { name: site, type: text }
      - { name: age_years, type: float }
label: { kind: events, source: events, where: { type: failure } }
task: { kind: failure_within, horizon: 72h }
features:
  - current: { columns: [temperature, current, ambient] } # these drive the heat
  - rolling: { columns: [temperature], stats: [mean], windows: [24h] }
split: { holdout: { by: asset, share: 0.3 }, folds: 2 }
candidates:
  - { kind: gbdt, params: { numIterations: 20, numLeaves: 7 } }
`;

/** Who inspected: personal, and nobody's business but the originals'. */
const PERSON = "Ada Lovelace 4711";

const documentSchema = z.object({
  runId: z.string(),
  workflowId: z.string(),
  model: z.string(),
  version: z.number().nullable(),
  digest: z.string().nullable(),
  dataset: z.string().nullable(),
  outcome: z.string().nullable(),
  promoted: z.boolean(),
  approvalId: z.string().nullable(),
  metrics: z.object({ test: z.record(z.string(), z.number()), cv: z.record(z.string(), z.number()) }),
  timingsMs: z.record(z.string(), z.number()),
});
const scoreSchema = z.object({
  kind: z.string(),
  rows: z.array(z.object({ rank: z.number(), asset: z.string(), value: z.number() })),
});

const fleetSchema = fleetScoreSchema
  .omit({ summary: true, rows: true })
  .extend(scoreSummarySchema.shape)
  .extend({ rows: z.array(rankedAssetSchema.extend({ decision: z.boolean() })) });

await describeWithServices("aura run", () => {
  const folder = makeStateFolder();
  const stateDir = join(folder, ".aura");
  const environment = testEnvironment({ AURA_STATE_DIR: stateDir, AURA_LOG_LEVEL: "warn" });
  let waiting: z.infer<typeof documentSchema>;

  const aura = createCli({ cwd: folder, env: environment });

  beforeAll(async () => {
    await generateFleet({ assets: 12, days: 24, seed: 3 }, join(folder, "data"));
    const path = join(folder, "data/readings.csv");
    const [header = "", ...lines] = readFileSync(path, "utf8").trim().split("\n");
    writeFileSync(path, [`${header},inspector`, ...lines.map((line) => `${line},${PERSON}`), ""].join("\n"));
    writeFileSync(join(folder, "pipeline.yaml"), PIPELINE);
  });

  afterAll(async () => {
    await aura("down");
    rmSync(folder, { recursive: true, force: true });
  }, 100_000);

  it("refuses a typo with its line, and writes nothing", async () => {
    writeFileSync(join(folder, "typo.yaml"), PIPELINE.replace("horizon:", "horizn:"));
    const { code, stdout, stderr } = await aura("run", "typo.yaml", "--data", "data", "--json");
    expect(code).toBe(2);
    const { error } = z
      .object({ error: z.looseObject({ locations: z.unknown().array() }) })
      .parse(JSON.parse(stdout));
    expect(error["code"]).toBe("invalid_pipeline");
    expect(error.locations[0]).toMatchObject({ file: "typo.yaml", line: expect.any(Number) });
    expect(stderr).toMatch(/typo\.yaml:\d+:.*horizn/);
    expect(existsSync(stateDir)).toBe(false);
  });

  it("names a file that is not there", async () => {
    const { code, stderr } = await aura("run", "pipeline.yaml", "--data", ".");
    expect(code).toBe(2);
    expect(stderr).toContain("readings.csv");
    expect(existsSync(stateDir)).toBe(false);
  });

  it("waits for a decision where it cannot ask, and stops what it started", async () => {
    const { code, stdout, stderr } = await aura("run", "pipeline.yaml", "--data", "data", "--json");
    expect(code, stderr).toBe(5);
    waiting = documentSchema.parse(JSON.parse(stdout));
    expect(waiting).toMatchObject({ model: "small-substation", outcome: "waiting", promoted: false });
    expect(waiting.metrics.test["rocAuc"]).toBeGreaterThan(0.6);
    expect(waiting.timingsMs).toHaveProperty("train");
    expect(stderr).toContain("Three ways to decide");
    expect((await aura("status")).stdout).toContain("not running");
  }, 100_000);

  it("takes the decision later, and promotes", async () => {
    expect((await aura("up", "--detach")).code).toBe(0);
    const decided = await aura("approvals", "approve", waiting.approvalId ?? "", "--as", "ann", "--json");
    expect(decided.code, decided.stderr).toBe(0);
    const { code, stdout, stderr } = await aura("run", "pipeline.yaml", "--data", "data", "--json");
    expect(code, stderr).toBe(0);
    const document = documentSchema.parse(JSON.parse(stdout));
    expect(document).toMatchObject({ digest: waiting.digest, promoted: true });
    expect(document.dataset).toBe(waiting.dataset);
  }, 100_000);

  it("ranks the fleet", async () => {
    const { code, stdout, stderr } = await aura("score", "small-substation", "--data", "data", "--json");
    expect(code, stderr).toBe(0);
    const { kind, rows } = scoreSchema.parse(JSON.parse(stdout));
    expect(kind).toBe("risk");
    expect(rows.map((row) => row.rank)).toEqual(rows.map((_row, i) => i + 1));
    expect(rows).toHaveLength(12);
  }, 60_000);

  it("ranks what it can of a dirty fleet, and says loudly what it left out", async () => {
    const text = readFileSync(join(folder, "data/readings.csv"), "utf8");
    const [header = "", ...lines] = text.trim().split("\n");
    const assetIn = (line: string): string => line.slice(0, line.indexOf(","));
    const [lost = "", young = ""] = new Set(lines.map(assetIn));
    const of = (asset: string) => lines.filter((line) => assetIn(line) === asset);
    // Asset, time, voltage: of one asset no voltage can be read, of another there are two readings.
    const unreadable = of(lost)
      .slice(0, 20)
      .map((line) => line.split(",").with(2, "???").join(","));
    const others = lines.filter((line) => ![lost, young].includes(assetIn(line)));
    const rows = [...others, ...of(young).slice(0, 2), ...unreadable];
    mkdirSync(join(folder, "dirty"));
    writeFileSync(join(folder, "dirty/readings.csv"), [header, ...rows, ""].join("\n"));
    const options = ["--data", "dirty", "--json", "--out", "fleet.csv"];
    const { code, stdout, stderr } = await aura("score", "small-substation", ...options);
    expect(code, stderr).toBe(0);
    const fleet = fleetSchema.parse(JSON.parse(stdout));
    expect(fleet).toMatchObject({
      kind: "risk",
      order: "descending",
      horizon: "72h",
      data: { read: rows.length, accepted: rows.length - 20, quarantined: 20 },
      assets: { seen: 12, scored: 11, leftOut: 1, short: 1 },
      leftOut: [{ asset: lost, reason: "all_rows_quarantined", rows: 20, codes: ["not_a_number"] }],
    });
    expect(fleet.rows.find(({ asset }) => asset === young)).toMatchObject({ readings: 2, short: true });
    expect(stderr).toContain(
      `1 of 12 assets are not ranked: ${lost} (all 20 rows quarantined: not_a_number)`,
    );
    expect(readFileSync(join(folder, "fleet.csv"), "utf8").trim().split("\n")).toHaveLength(13);
    const lineage = await aura("lineage", "score", fleet.id, "--json");
    expect(lineageSchema.parse(JSON.parse(lineage.stdout)).counts).toMatchObject({ datasets: 2, scores: 1 });
  }, 60_000);

  it("keeps what is personal in the originals alone", async () => {
    const { stdout } = await aura("catalog", "small-substation", "--json");
    const [entry] = z
      .array(z.object({ columns: z.array(z.object({ name: z.string(), isPersonal: z.boolean() })) }))
      .parse(JSON.parse(stdout));
    expect(entry?.columns).toContainEqual({ name: "inspector", isPersonal: true });
    const status = z.object({ urls: z.object({ api: z.string() }) });
    const { urls } = status.parse(JSON.parse((await aura("status", "--json")).stdout));
    const reading = {
      t: "2026-01-01T00:00:00Z",
      temperature: 50,
      current: 90,
      ambient: 20,
      inspector: PERSON,
    };
    const answer = await fetch(`${urls.api}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ asset: "S-1", readings: [reading] }),
    });
    expect(await answer.json()).toMatchObject({ predictions: [{ asset: "S-1" }], traced: true });
    const files = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).filter(
      (name) => statSync(join(stateDir, name), { throwIfNoEntry: false })?.isFile() === true,
    );
    const holding = files.filter((name) => readFileSync(join(stateDir, name)).includes(PERSON));
    expect(holding).toHaveLength(2);
    expect(holding.filter((name) => !name.startsWith("objects/raw/sha256/"))).toEqual([]);
    // What stands in Parquet is compressed.
    const parts = files.filter((name) => name.endsWith(".parquet")).map((name) => join(stateDir, name));
    const duckdb = await createDuckDb({ directories: [stateDir], tempDirectory: join(folder, "tmp") });
    const texts = await Promise.all(
      parts.map((path) => duckdb.query(`SELECT r::VARCHAR AS row FROM read_parquet('${path}') AS r`)),
    );
    duckdb.close();
    const rows = texts.flat().map(({ row }) => String(row));
    expect(rows.filter((row) => row.includes("not_a_number"))).toHaveLength(20);
    expect(rows.filter((row) => row.includes("Ada"))).toEqual([]);
  }, 60_000);

  it("refuses a fleet of which nothing can be read, with the rows", async () => {
    const text = readFileSync(join(folder, "data/readings.csv"), "utf8");
    const [header = ""] = text.split("\n", 1);
    mkdirSync(join(folder, "unreadable"));
    writeFileSync(
      join(folder, "unreadable/readings.csv"),
      `${header}\n${header.replaceAll(/[^,]+/g, "x")}\n`,
    );
    const { code, stdout, stderr } = await aura(
      "score",
      "small-substation",
      "--data",
      "unreadable",
      "--json",
    );
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "quality_gate" } });
    expect(stderr).toContain("error quality_gate");
    expect(stderr).toMatch(/\n {2}readings\.csv:2:\w+: expected /);
  }, 60_000);
});
