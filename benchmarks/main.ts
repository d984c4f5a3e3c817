import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readMachine } from "./machine.ts";
import { readOptions, USAGE } from "./options.ts";
import type { BenchOptions } from "./options.ts";
import { textTable, withSection } from "./report.ts";
import { rowOf } from "./row.ts";
import type { BenchRow } from "./row.ts";
import type { BenchSuite, SuiteResult } from "./suite.ts";
import { SUITES } from "./suites.ts";

/** dist/benchmarks/main.js → the checkout. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

await main();

async function main(): Promise<void> {
  const known = SUITES.map((suite) => suite.name);
  let options: BenchOptions;
  try {
    options = readOptions(process.argv.slice(2), known, process.env["AURA_BENCH_SLOWDOWN"]);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(`${USAGE}${known.join(", ")}, all\n`);
    process.exitCode = 2;
    return;
  }
  for (const suite of SUITES.filter(({ name }) => options.suites.includes(name))) {
    const result = await runSuite(suite, options);
    if (options.json) for (const row of result.rows) process.stdout.write(`${JSON.stringify(row)}\n`);
    else process.stdout.write(`\n${suite.name}\n\n${textTable(result.rows)}\n`);
    const isWhole = !options.quick && options.slowdown === 1 && result.rows.length > 0;
    if (!options.json && isWhole) publish(suite, result);
    if (result.rows.some((row) => row.kind === "must" && row.met === false)) process.exitCode = 1;
  }
}

async function runSuite(suite: BenchSuite, options: BenchOptions): Promise<SuiteResult> {
  const scratch = mkdtempSync(join(tmpdir(), `aura-bench-${suite.name}-`));
  const cache = join(tmpdir(), "aura-bench-cache");
  mkdirSync(cache, { recursive: true });
  const rows: BenchRow[] = [];
  const notes: string[] = [];
  try {
    await suite.run({
      quick: options.quick,
      root: ROOT,
      scratch,
      cache,
      row: (spec, measured) => {
        const row = rowOf(spec, measured, options.slowdown);
        rows.push(row);
        // A suite may take half an hour, and be ended before its table.
        process.stderr.write(`${suite.name}: ${row.work}: ${row.ours} ${row.unit} (${row.aim})\n`);
      },
      say: (line) => {
        notes.push(line);
        process.stderr.write(`${suite.name}: ${line}\n`);
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return { rows, notes };
}

function publish(suite: BenchSuite, result: SuiteResult): void {
  const page = join(ROOT, "docs", "benchmarks.md");
  const present = readFileSync(page, "utf8");
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(page, withSection(present, suite, result, { machine: readMachine(), date }));
  process.stderr.write(`${suite.name}: written to docs/benchmarks.md\n`);
}
