import type { Command } from "commander";
import { z } from "zod";
import { contextOf } from "../../context.ts";
import { showListAt, timeText } from "../../list-view.ts";

const scheduleSchema = z.looseObject({
  id: z.string(),
  isPaused: z.boolean(),
  note: z.string().nullable(),
  everySeconds: z.number().nullable(),
  nextAt: z.string().nullable(),
  lastAt: z.string().nullable(),
  last: z.string().nullable(),
});
type Schedule = z.infer<typeof scheduleSchema>;

/** `aura schedules`: what happens by itself. */
export function registerSchedulesCommand(program: Command): void {
  program
    .command("schedules")
    .description(
      "what happens by itself: drift checks, retrains, upkeep; when next, and what the last came to",
    )
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura schedules")
    .action(async ({ json }: { readonly json?: boolean }, command: Command) =>
      showListAt(contextOf(command), {
        path: "/v1/schedules",
        row: scheduleSchema,
        json,
        empty: "there is no schedule",
        columns: [
          ["schedule", (row) => row.id],
          ["every", everyText],
          ["next", (row) => (row.isPaused ? `paused${noteText(row)}` : timeText(row.nextAt))],
          ["last", (row) => timeText(row.lastAt)],
          ["came to", (row) => row.last?.replaceAll("_", " ")],
        ],
      }),
    );
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
] as const;

function everyText({ everySeconds }: Schedule): string {
  if (everySeconds === null) return "-";
  const [unit, seconds] = UNITS.find(([, length]) => everySeconds % length === 0) ?? ["s", 1];
  return `${everySeconds / seconds}${unit}`;
}

function noteText({ note }: Schedule): string {
  return note === null || note === "" ? "" : ` (${note})`;
}
