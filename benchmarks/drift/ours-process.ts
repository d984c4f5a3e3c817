import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { renderDriftPage } from "../../api/drift/page.ts";
import { freezeReference } from "../../numerics/drift/reference.ts";
import type { DriftColumn } from "../../numerics/drift/reference.ts";
import { compareWithReference } from "../../numerics/drift/verdict.ts";
import { withoutMinorBins } from "../../numerics/drift/worst-columns.ts";

/**
 * Ours in the drift suite, in a process of its own: from a table in memory to the verdict, its page and its JSON. The
 * reference is frozen before, as it is at training.
 *
 * Usage: ours-process.js REFERENCE REFERENCE_ROWS LIVE LIVE_ROWS COLUMNS REPEATS   (files column-major, float64)
 */
const [referencePath = "", nReference = "0", livePath = "", nLive = "0", nColumns = "0", repeats = "1"] =
  process.argv.slice(2);
const WARM_ROWS = 1_000;

const reference = freezeReference(readColumns(referencePath, Number(nReference)));
const live = readColumns(livePath, Number(nLive));
check(first(live, WARM_ROWS));
const seconds: number[] = [];
const cpu = process.cpuUsage();
let sizes = { html: 0, json: 0, drifted: 0 };
for (let repeat = 0; repeat < Number(repeats); repeat++) {
  const start = performance.now();
  sizes = check(live);
  seconds.push((performance.now() - start) / 1_000);
}
const { user, system } = process.cpuUsage(cpu);
const metrics = {
  cpuSeconds: (user + system) / 1e6 / Number(repeats),
  seconds: seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN,
  htmlMB: sizes.html / 1e6,
  jsonMB: sizes.json / 1e6,
  drifted: sizes.drifted,
  peakRssMiB: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(`${JSON.stringify({ version: "aura", metrics })}\n`);

function check(columns: readonly DriftColumn[]): typeof sizes {
  const report = withoutMinorBins(compareWithReference(reference, columns));
  const html = renderDriftPage({
    model: "bench",
    version: 1,
    windowStart: "2026-01-01T00:00:00.000Z",
    windowEnd: "2026-01-02T00:00:00.000Z",
    report,
    confirmed: false,
  });
  return {
    html: Buffer.byteLength(html),
    json: JSON.stringify(report).length,
    drifted: report.nDrifted,
  };
}

function readColumns(path: string, nRows: number): DriftColumn[] {
  const bytes = readFileSync(path);
  const all = new Float64Array(bytes.buffer, bytes.byteOffset, nRows * Number(nColumns));
  return Array.from({ length: Number(nColumns) }, (_, column) => ({
    name: `x${column}`,
    kind: "numeric",
    values: all.slice(column * nRows, (column + 1) * nRows),
  }));
}

function first(columns: readonly DriftColumn[], nRows: number): DriftColumn[] {
  return columns.map(({ name, values }) => ({
    name,
    kind: "numeric",
    values: (values as Float64Array).subarray(0, nRows),
  }));
}
