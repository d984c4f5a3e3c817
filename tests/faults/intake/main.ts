import { parseArgs } from "node:util";
import { LOST } from "./ledger.ts";
import { runIntakeCase } from "./run-intake-case.ts";

/**
 * Readings under kill -9: devices send while API and PostgreSQL are killed, and no acknowledged reading may be lost or doubled.
 *
 *     npm run test:intake -- [--kills 10] [--seed 1]     kills of each part
 *
 * The same is done with an API that acknowledges before it commits: there the harness must find losses. Exit code 0: both
 * held; 1 otherwise.
 */

const { values } = parseArgs({
  options: { kills: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isInteger(kills) || kills < 1 || kills > 1_000 || !Number.isInteger(seed))
  throw new RangeError(`--kills ${values.kills} --seed ${values.seed}: expected whole numbers`);
const print = (line: string) => void process.stdout.write(`${line}\n`);

const held = await runIntakeCase({ seed, kills });
print(
  `${kills} kills each of API and PostgreSQL (${held.nApiStarts} starts of the API): ${held.nAcknowledged} of ${held.nSent} readings acknowledged; ` +
    (held.violations.length === 0 ? "none lost, none doubled, all counted" : held.violations.join("; ")),
);
const broken = await runIntakeCase({ seed, kills: 3, apiEntry: "tests/faults/intake/early-ack-api.js" });
const isFound = broken.violations.some((violation) => violation.startsWith(LOST));
print(
  isFound
    ? `the harness found what an API does that acknowledges too early: ${broken.violations.join("; ")}`
    : "the harness is blind: it found no loss where readings are acknowledged before the commit",
);
process.exitCode = held.violations.length === 0 && isFound ? 0 : 1;
