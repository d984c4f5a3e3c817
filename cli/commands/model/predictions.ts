import type { Command } from "commander";
import { z } from "zod";
import { contextOf } from "../../context.ts";
import { parseLimit, parseSince, showListAt, timeText } from "../../list-view.ts";
import { numberText } from "../../run/evaluation-text.ts";

interface PredictionsOptions {
  readonly asset?: string;
  readonly model?: string;
  readonly since?: string;
  readonly limit: number;
  readonly json?: boolean;
}

const predictionRowSchema = z.looseObject({
  predictionId: z.string(),
  model: z.string(),
  version: z.number(),
  asset: z.string().nullable(),
  at: z.string(),
  value: z.number(),
});

/** `aura predictions`: what was answered, to whom, when. */
export function registerPredictionsCommand(program: Command): void {
  program
    .command("predictions")
    .description("traced predictions, newest first")
    .option("--asset <id>", "of this asset only")
    .option("--model <name>", "of this model only")
    .option("--since <time>", "from this time on: ISO 8601, or 30m, 24h, 7d ago", (text) => parseSince(text))
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura predictions --asset S-0007 --since 24h")
    .action(async (options: PredictionsOptions, command: Command) => {
      const context = contextOf(command);
      const { json, ...query } = options;
      await showListAt(context, {
        path: "/v1/predictions",
        row: predictionRowSchema,
        query,
        json,
        empty: "there are no such predictions",
        columns: [
          ["prediction", (row) => row.predictionId],
          ["at", (row) => timeText(row.at)],
          ["asset", (row) => row.asset],
          ["model", (row) => `${row.model}@${row.version}`],
          ["value", (row) => numberText(row.value)],
        ],
      });
    });
}
