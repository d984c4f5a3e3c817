import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { contextOf } from "../../context.ts";
import { parseSince, showListAt, timeText } from "../../list-view.ts";

const STEPS = ["1m", "5m", "15m", "1h", "1d"];

interface TrendOptions {
  readonly asset: string;
  readonly column: string;
  readonly source?: string;
  readonly since: string;
  readonly until?: string;
  readonly step: string;
  readonly json?: boolean;
}

const pointSchema = z.looseObject({
  time: z.string(),
  n: z.int(),
  mean: z.number(),
  min: z.number(),
  max: z.number(),
});

/** `aura readings trend`: a column of an asset in equal steps of time. */
export function registerTrend(readings: Command): void {
  readings
    .command("trend")
    .description("a column of an asset in equal steps of time: count, mean, least and largest value of each")
    .requiredOption("--asset <id>", "the asset")
    .requiredOption("--column <name>", "the column")
    .option("--source <name>", "needed where the asset has readings of several sources")
    .option(
      "--since <time>",
      "from this time on; or how long ago",
      (text) => parseSince(text),
      parseSince("24h"),
    )
    .option("--until <time>", "before this time (default: now)", (text) => parseSince(text))
    .option("--step <step>", STEPS.join(", "), parseStep, "15m")
    .option("--json", "print it as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura readings trend --asset p1 --column pressure --since 24h")
    .action(async ({ json, ...query }: TrendOptions, command: Command) =>
      showListAt(contextOf(command), {
        path: "/v1/readings/trend",
        row: pointSchema,
        query,
        json,
        empty: "there are no values of it in that time",
        columns: [
          ["from", (row) => timeText(row.time)],
          ["n", (row) => row.n],
          ["mean", (row) => Number(row.mean.toPrecision(6))],
          ["min", (row) => row.min],
          ["max", (row) => row.max],
        ],
      }),
    );
}

function parseStep(text: string): string {
  if (STEPS.includes(text)) return text;
  throw new InvalidArgumentError(`expected one of ${STEPS.join(", ")}`);
}
