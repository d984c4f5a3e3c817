import { parseArgs } from "node:util";
import { runAlarmCase } from "./run-alarm-case.ts";

/**
 * Alerts under kill -9: readings cross limits while the scorer, the worker and PostgreSQL are killed, and no alert may be lost,
 * repeated or left untold.
 *
 *     npm run test:alarms -- [--kills 5] [--seed 1]     kills of each part
 */

const { values } = parseArgs({
  options: { kills: { type: "string", default: "5" }, seed: { type: "string", default: "1" } },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (!Number.isInteger(kills) || kills < 1 || kills > 1_000 || !Number.isInteger(seed))
  throw new RangeError(`--kills ${values.kills} --seed ${values.seed}: expected whole numbers`);
const { violations, nReadings, nChanges, nRepeated } = await runAlarmCase({ seed, kills });
const verdict =
  violations.length === 0 ? "none lost, none repeated, all told in order" : violations.join("\n  ");
process.stdout.write(
  `seed ${seed}, ${kills} kills each of scorer, worker and PostgreSQL, ${nReadings} readings: ${nChanges} alerts raised or cleared; ` +
    `${nRepeated} tellings came again with the same key; ${verdict}\n`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
