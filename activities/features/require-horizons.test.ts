import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { FeatureView } from "../../features/feature-view.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { requireHorizons } from "./require-horizons.ts";

const folder = mkdtempSync(join(tmpdir(), "horizons-"));
const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
afterAll(() => {
  duckdb.close();
  rmSync(folder, { recursive: true, force: true });
});

const view = {
  timeKind: "cycle",
  label: {
    kind: "forecast",
    column: "heat",
    statistic: "value",
    horizons: [
      { span: 10, tolerance: 1 },
      { span: 30, tolerance: 3 },
    ],
  },
} as Pick<FeatureView, "label" | "timeKind">;

async function tableOf(name: string, later: string, now = "i::DOUBLE"): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  const select = `SELECT 'a' AS __asset, 10 * i AS __t, ${now} AS __y, 1.0 AS __target0, ${later} AS __target1 FROM range(3) r(i)`;
  await duckdb.copyToParquet(select, path);
  return duckdb.parquet([path]);
}

it("names the horizon that no reading lies at, and how far apart readings are", async () => {
  const told =
    /heat: expected readings .* 30 cycles after others, within 3 cycles, found none \(readings are 10 cycles apart\)/;
  await expect(requireHorizons(duckdb, view, await tableOf("none", "NULL::DOUBLE"))).rejects.toMatchObject({
    code: "not_enough_data",
    message: expect.stringMatching(told) as string,
  });
});

it("names a column that never changes", async () => {
  const flat = await tableOf("flat", "7.0", "7.0::DOUBLE");
  await expect(requireHorizons(duckdb, view, flat)).rejects.toThrow(
    "forecast heat: expected a column that changes, found 7 at every reading",
  );
});

it("lets pass what is known somewhere, and other labels", async () => {
  await requireHorizons(duckdb, view, await tableOf("some", "2.0"));
  await requireHorizons(duckdb, { timeKind: "none", label: { kind: "none" } }, "nothing");
});
