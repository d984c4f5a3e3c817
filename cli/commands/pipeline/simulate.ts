import { resolve } from "node:path";
import type { Command } from "commander";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { FleetOptions } from "../../../sources/synthetic/fleet.ts";
import { contextOf } from "../../context.ts";

interface SimulateOptions {
  readonly out?: string;
  readonly source?: string;
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
  ["refit-at", "refitAtDay", "day on which every unit gets fans and capacitor banks, as another regime"],
  ["mean-days-to-failure", "meanDaysToFailure", "service life in days (default 24)"],
  ["degradation-magnitude", "degradationMagnitude", "how plainly wear shows (default 1)"],
  ["spikes", "spikesPerThousand", "spikes per 1,000 readings (default 2)"],
  ["spike-magnitude", "spikeMagnitude", "height as a share of the value (default 0.6)"],
  ["stuck", "stuckPerThousand", "runs stuck at zero per 1,000 readings (default 1)"],
  ["missing", "missingPerThousand", "missing runs per 1,000 readings (default 2)"],
  ["second-regime", "secondRegimeShare", "share of days in a second operating regime (default 0)"],
];

/** `aura simulate`: a synthetic substation fleet as CSV files, or live. */
export function registerSimulateCommand(program: Command): void {
  const command = program
    .command("simulate")
    .description("a synthetic fleet of substations: as CSV files, or live as readings of a source")
    .option("--out <folder>", "folder to write readings.csv, events.csv and attributes.csv to")
    .option("--source <name>", "send readings to this live source instead, as they become due")
    .option("--rate <n>", "live: readings a second of all assets together (default 100)")
    .option("--speed <n>", "live: how much faster than time; it begins in the past then (default 1)")
    .option("--duration <span>", "live: such as 90s or 10m (default: until Ctrl-C)")
    .option("--start <time>", "time of the first reading, ISO 8601 (default 2024-01-01T00:00:00Z)")
    .option("--json", "print what was written as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura simulate --out fleet --assets 20 --days 60" +
        "\n  $ aura simulate --source fleet --assets 200 --rate 2000",
    );
  for (const [flag, , help] of NUMBERS) command.option(`--${flag} <n>`, help);
  command.action(async (options: SimulateOptions, invoked: Command) => {
    const context = contextOf(invoked);
    const { output, cwd } = context;
    if ((options.out === undefined) === (options.source === undefined))
      throw new PlatformError("invalid_query", "simulate: expected either --out or --source");
    if (options.source !== undefined) {
      const { liveSimulationOf, simulateLive } = await import("../../simulation/simulate-live.ts");
      await simulateLive(context, liveSimulationOf(options, options.source));
      return;
    }
    const { generateFleet } = await import("../../../sources/synthetic/fleet.ts");
    const fleet = await generateFleet(fleetOptionsOf(options), resolve(cwd, options.out ?? ".")).catch(
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
