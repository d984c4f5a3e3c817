import type { DataDiff } from "../../schemas/data/data-diff.ts";
import type { ParquetPart } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { putDocument, readFeatureSet } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { columnStats } from "./column-stats.ts";
import { compareFiles, compareTables } from "./compare-tables.ts";
import type { TableReader } from "./compare-tables.ts";
import { MOST_ROWS, rowChanges } from "./row-changes.ts";
import type { DataTable } from "./data-tables.ts";
import { tablesOfDataset, tablesOfFeatureSet } from "./data-tables.ts";
import type { CompareDataInput, CompareDataResult } from "./messages.ts";

type ComparisonDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb">;

/** What changed between two versions of data. */
export function createComparisonActivities(deps: ComparisonDeps) {
  return {
    /**
     * Two datasets or two feature sets by schema, rows and statistics.
     *
     * **Effects**: the document. **Idempotency**: content. **Heartbeat**: 1 s with the table. **Errors**: not_found.
     * **Retry**: work.
     */
    async compareData(input: CompareDataInput): Promise<CompareDataResult> {
      return withHeartbeat(async (beat) => {
        const { kind, a, b } = input;
        const [left, right] = [await readData(deps, kind, a), await readData(deps, kind, b)];
        const tables = await compareTables(left.tables, right.tables, readerOf(deps, beat));
        const files = compareFiles(left.raw, right.raw);
        const diff: DataDiff = { kind, a, b, equal: a === b, tables, files };
        return { diff: await putDocument(deps.objects, diff), equal: diff.equal };
      });
    },
  };
}

function readerOf(deps: ComparisonDeps, beat: Beat): TableReader {
  const { signal } = beat;
  return {
    async stats(table, columns) {
      beat.report(table.name);
      return columnStats(deps.duckdb, { paths: await fetchParts(deps, table.parts), columns, signal });
    },
    async rows({ left, right }, common) {
      if (left.rows + right.rows > MOST_ROWS) return undefined;
      const [before, after] = [await fetchParts(deps, left.parts), await fetchParts(deps, right.parts)];
      return rowChanges(deps.duckdb, {
        a: { paths: before, columns: common.map((pair) => pair.before.physical) },
        b: { paths: after, columns: common.map(({ column }) => column.physical) },
        signal,
      });
    },
  };
}

type Raw = Parameters<typeof compareFiles>[0];

async function readData(
  { db, objects }: ComparisonDeps,
  kind: CompareDataInput["kind"],
  id: string,
): Promise<{ readonly tables: DataTable[]; readonly raw: Raw }> {
  switch (kind) {
    case "dataset": {
      const dataset = await db.datasets.get(id);
      if (dataset === undefined) throw missing(kind, id);
      return { tables: tablesOfDataset(dataset.manifest), raw: dataset.manifest.raw };
    }
    case "features": {
      const set = await db.features.featureSet(id);
      if (set === undefined) throw missing(kind, id);
      return { tables: tablesOfFeatureSet(await readFeatureSet(objects, set.object)), raw: [] };
    }
  }
}

function missing(kind: string, id: string): PlatformError {
  return new PlatformError("not_found", `compare data [${id}]: there is no such ${kind}`);
}

async function fetchParts({ objects }: ComparisonDeps, parts: readonly ParquetPart[]): Promise<string[]> {
  const paths = [];
  for (const part of parts) if (part.rows > 0) paths.push(await objects.fetch(part.object));
  return paths;
}
