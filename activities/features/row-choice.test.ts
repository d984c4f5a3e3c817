import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { chooseRows } from "./row-choice.ts";
import type { RowChoice } from "./row-choice.ts";

const N_ASSETS = 100;
const N_ROWS = 20_000;

let duckdb: DuckDb;
let from: string;
const directory = mkdtempSync(join(tmpdir(), "row-choice-"));

beforeAll(async () => {
  duckdb = await createDuckDb({ directories: [directory] });
  const path = join(directory, "set.parquet");
  // The assets take turns in the file, as a fleet does that reports together: `__seq` steps over it by 100.
  await duckdb.copyToParquet(
    `SELECT 'a' || (i % ${N_ASSETS}) AS __asset, i // ${N_ASSETS} AS __t, i AS __seq, i >= ${N_ROWS - N_ASSETS} AS __last FROM range(${N_ROWS}) r(i)`,
    path,
  );
  from = await duckdb.parquet([path]);
});

afterAll(() => {
  duckdb.close();
  rmSync(directory, { recursive: true });
});

function manifestOf(given: Partial<FeatureSetManifest>): FeatureSetManifest {
  return { nRows: N_ROWS, nAssets: N_ASSETS, features: [], ...given } as unknown as FeatureSetManifest;
}

async function chosen(choice: RowChoice) {
  const rows = await chooseRows(duckdb, from, { manifest: manifestOf({}), choice });
  const [found] = await duckdb.query(
    `SELECT count(*) AS n, count(DISTINCT __asset) AS assets, count(*) FILTER (__last) AS last, sum(__seq)::DOUBLE AS seqs FROM ${from}${rows.where}`,
  );
  return {
    ...rows,
    found: Object.fromEntries(Object.entries(found ?? {}).map(([key, value]) => [key, Number(value)])),
  };
}

describe("rows brought into memory", () => {
  it("are all where there are few enough", async () => {
    const { nRows, where, areAssetsWhole } = await chosen({ kind: "spread", maxRows: N_ROWS });
    expect({ nRows, where, areAssetsWhole }).toEqual({ nRows: N_ROWS, where: "", areAssetsWhole: true });
  });

  it("are spread over all assets alike, with every last reading", async () => {
    const { nRows, where, found, areAssetsWhole } = await chosen({ kind: "spread", maxRows: 4_000 });
    expect(found).toMatchObject({ n: nRows, assets: N_ASSETS, last: N_ASSETS });
    // 4,000 by chance (standard deviation 57) and the last readings that were not among them.
    expect(nRows).toBeGreaterThan(3_800);
    expect(nRows).toBeLessThan(4_400);
    expect(areAssetsWhole).toBe(false);
    const [share] = await duckdb.query(
      `SELECT min(n)::DOUBLE AS least, max(n)::DOUBLE AS most FROM (SELECT count(*) AS n FROM ${from}${where} GROUP BY __asset)`,
    );
    expect(Number(share?.["least"])).toBeGreaterThan(20);
    expect(Number(share?.["most"])).toBeLessThan(65);
  });

  it("are the same ones for ever", async () => {
    const { found } = await chosen({ kind: "spread", maxRows: 4_000 });
    expect(found["seqs"]).toBe(SPREAD_SEQS);
  });

  it("are whole assets where neighbours are needed", async () => {
    const { nRows, found, areAssetsWhole } = await chosen({ kind: "assets", maxRows: 4_000 });
    expect({ nRows, areAssetsWhole }).toEqual({ nRows: 4_000, areAssetsWhole: true });
    expect(found).toMatchObject({ assets: 20, last: 20 });
  });

  it("are spread where not one asset is small enough", async () => {
    const { areAssetsWhole, found } = await chosen({ kind: "assets", maxRows: 150 });
    expect(areAssetsWhole).toBe(false);
    expect(found["n"]).toBeGreaterThan(0);
  });

  it("are the last readings of a fleet to score", async () => {
    expect((await chosen({ kind: "last" })).found).toMatchObject({ n: N_ASSETS, last: N_ASSETS });
  });

  it("are refused, with what to do, where they hold too many numbers", async () => {
    const features = Array.from({ length: 300 }, () => ({})) as never;
    const manifest = manifestOf({ nRows: 1_000_000, features });
    await expect(
      chooseRows(duckdb, from, { manifest, choice: { kind: "spread", maxRows: 1_000_000 } }),
    ).rejects.toThrow(/expected at most 894784 rows of 300 features .* set training\.maxRows lower/);
  });
});

/** Sum of the chosen row numbers; another one means that models learn from other rows than before. */
const SPREAD_SEQS = 41_704_340;
