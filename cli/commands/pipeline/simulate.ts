import { resolve } from "node:path";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { FleetOptions } from "../../../sources/synthetic/fleet.ts";
import { contextOf } from "../../context.ts";

interface SimulateOptions {
  readonly out: string;
  readonly json?: boolean;
  readonly [option: string]: unknown;
}

/** Command-line name of each numeric option of the generator. */
const NUMBERS: readonly (readonly [flag: string, option: keyof FleetOptions, help: string])[] = [
  ["assets", "assets", "number of substations (default 40)"],
  ["days", "days", "days of readings (default 30)"],
  ["seed", "seed", "the same seed and options give the same files (default 7)"],
  ["interval", "intervalMinutes", "minutes between readings (default 60)"],
  ["shift-at", "shiftAtDay", "day from which load and heat are higher, as data for drift"],
  ["shift-magnitude", "shiftMagnitude", "1 is +25 % load and +8 °C (default 1)"],
  ["mean-days-to-failure", "meanDaysToFailure", "service life in days (default 24)"],
  ["degradation-magnitude", "degradationMagnitude", "how plainly wear shows (default 1)"],
  ["spikes", "spikesPerThousand", "spikes per 1,000 readings (default 2)"],
  ["spike-magnitude", "spikeMagnitude", "height as a share of the value (default 0.6)"],
  ["stuck", "stuckPerThousand", "runs stuck at zero per 1,000 readings (default 1)"],
  ["missing", "missingPerThousand", "missing runs per 1,000 readings (default 2)"],
  ["second-regime", "secondRegimeShare", "share of days in a second operating regime (default 0)"],
];

/** `aura simulate`: writes a synthetic substation fleet as CSV files. */
export function registerSimulateCommand(program: Command): void {
  const command = program
    .command("simulate")
    .description("write a synthetic fleet of substations as CSV files")
    .requiredOption("--out <folder>", "folder to write readings.csv, events.csv and attributes.csv to")
    .option("--start <time>", "time of the first reading, ISO 8601 (default 2024-01-01T00:00:00Z)")
    .option("--json", "print what was written as JSON")
    .addHelpText("after", "\nExample:\n  $ aura simulate --out fleet --assets 20 --days 60");
  for (const [flag, , help] of NUMBERS) command.option(`--${flag} <n>`, help);
  command.action(async (options: SimulateOptions, invoked: Command) => {
    const { output, cwd } = contextOf(invoked);
    const { generateFleet } = await import("../../../sources/synthetic/fleet.ts");
    const fleet = await generateFleet(fleetOptionsOf(options), resolve(cwd, options.out)).catch(
      (cause: unknown) => {
        if (!(cause instanceof RangeError)) throw cause;
        throw new PlatformError("invalid_query", cause.message, { cause });
      },
    );
    if (options.json === true) output.json(fleet);
    else {
      output.line(`${fleet.nReadings} readings of ${fleet.nAssets} assets, ${fleet.nFailures} failures:`);
      for (const path of Object.values(fleet.files)) output.line(`  ${path}`);
    }
  });
}

function fleetOptionsOf(options: SimulateOptions): Partial<FleetOptions> {
  const entries = NUMBERS.flatMap(([flag, option]) => {
    const text = options[flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (typeof text !== "string") return [];
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) {
      throw new PlatformError("invalid_query", `--${flag}: expected a number, found '${text}'`);
    }
    return [[option, value] as const];
  });
  const start = options["start"];
  return { ...Object.fromEntries(entries), ...(typeof start === "string" ? { start } : {}) };
}
