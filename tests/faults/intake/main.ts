import { parseArgs } from "node:util";
import { KILLED_PARTS } from "./killed-parts.ts";
import type { KilledPart } from "./killed-parts.ts";
import { LOST, runIntakeCase } from "./run-intake-case.ts";
import type { IntakeCase, IntakeOutcome } from "./run-intake-case.ts";

/**
 * Readings under kill -9: devices send over HTTP, over MQTT with QoS 1 and as files while API, ingestor, embedded broker, scorer and
 * PostgreSQL are killed, each by itself and then all in a random order. No acknowledged reading may be lost or doubled, and none that
 * is not as declared set aside twice.
 *
 *     npm run test:intake -- [--kills 10] [--seed 1] [--part api]...     kills of each part; default: all parts
 *
 * The same is done with an API and an ingestor that acknowledge before they commit: there the harness must find losses on each way.
 * Exit code 0: all held; 1 otherwise.
 */

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    part: { type: "string", multiple: true, default: [...KILLED_PARTS] },
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const parts = values.part.filter((part): part is KilledPart => KILLED_PARTS.some((known) => known === part));
if (!Number.isInteger(kills) || kills < 1 || kills > 1_000 || !Number.isInteger(seed))
  throw new RangeError(`--kills ${values.kills} --seed ${values.seed}: expected whole numbers`);
if (parts.length === 0 || parts.length < values.part.length)
  throw new RangeError(`--part ${values.part.join(" ")}: expected of ${KILLED_PARTS.join(", ")}`);
const print = (line: string) => void process.stdout.write(`${line}\n`);

const held = await runIntakeCase({ seed, kills, parts, isMixed: true });
print(table(held));
print(`${held.nAcknowledged} of ${held.nSent} readings acknowledged, seed ${seed}`);
for (const violation of held.violations) print(`  ${violation}`);

/** What must be found out: who acknowledges too early, and on which of the ways. */
const PROOFS: readonly (Pick<IntakeCase, "parts" | "apiEntry" | "ingestorEntry"> & {
  readonly what: string;
})[] = [
  { what: "API", parts: ["api", "postgres"], apiEntry: "tests/faults/intake/early-ack-api.js" },
  {
    what: "ingestor",
    parts: ["ingestor", "broker"],
    ingestorEntry: "tests/faults/intake/early-ack-ingestor.js",
  },
];
let areFound = true;
for (const { what, ...proof } of PROOFS) {
  const broken = await runIntakeCase({ seed, kills: 3, ...proof });
  const found = broken.violations.filter((violation) => violation.startsWith(LOST));
  areFound &&= found.length > 0;
  print(
    found.length > 0
      ? `the harness found what an ${what} does that acknowledges too early: ${found.join("; ")}`
      : `the harness is blind: it found no loss where the ${what} acknowledges before the commit`,
  );
}
process.exitCode = held.violations.length === 0 && areFound ? 0 : 1;

function table({ rows }: IntakeOutcome): string {
  const columns = ["part", "kills", "acknowledged", "bad", "lost", "doubled"] as const;
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column])))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] ?? "").length)));
  return cells
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("  "),
    )
    .join("\n");
}
