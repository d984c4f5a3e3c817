import { Option } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { featuresRefreshedSchema, scheduleSchema } from "../../../schemas/live/online-features.ts";
import type { ScheduleView } from "../../../schemas/live/online-features.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import type { Connection } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { timeText } from "../../list-view.ts";
import type { Output } from "../../output.ts";
import { untilResult } from "../../run/follow-run.ts";

interface RefreshOptions {
  readonly all?: boolean;
  readonly since?: string;
  readonly json?: boolean;
}

interface ScheduleOptions {
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const startedSchema = z.looseObject({ id: z.string(), workflowId: z.string(), isNew: z.boolean() });
const outcomeSchema = z.looseObject({ result: featuresRefreshedSchema.optional() });

/** `aura features refresh` and `schedule`: what following readings does not reach. */
export function registerFeatureRefresh(features: Command): void {
  features
    .command("refresh")
    .description("compute features and scores anew of assets whose answer is behind, and wait for it")
    .argument("[model]", "of this model alone")
    .option("--all", "of every asset")
    .addOption(
      new Option("--since <time>", "of every asset whose newest reading was stored since then").conflicts(
        "all",
      ),
    )
    .option("--json", "print the outcome as JSON")
    .addHelpText("after", "\nExample:\n  $ aura features refresh pumps --since 2026-04-05T10:00:00Z")
    .action(async (model: string | undefined, options: RefreshOptions, command: Command) => {
      const { output } = contextOf(command);
      const result = await withApi(contextOf(command), { start: "if-made" }, (connection) =>
        refresh(connection, output, { ...options, ...(model === undefined ? {} : { model }) }),
      );
      if (options.json === true) return output.json(result);
      output.line(
        result.scorers === 0
          ? "no scorer runs: there is nothing to bring up to date"
          : `${result.assets} assets computed anew for ${result.models} models by ${result.scorers} scorers`,
      );
    });
  features
    .command("schedule")
    .description("when features are brought up to date by themselves")
    .addOption(new Option("--pause", "do not, until it is resumed").conflicts("resume"))
    .option("--resume", "do so again")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura features schedule --pause")
    .action(async (options: ScheduleOptions, command: Command) => schedule(contextOf(command), options));
}

async function refresh(
  { client, signal }: Connection,
  output: Output,
  { model, all, since }: RefreshOptions & { readonly model?: string },
) {
  const body = {
    isWhole: all === true,
    ...(model === undefined ? {} : { model }),
    ...(since === undefined ? {} : { since }),
  };
  const { id, workflowId, isNew } = await client.post("/v1/feature-refreshes", {
    reply: startedSchema,
    body,
  });
  output.progress(`${isNew ? "computing" : "joined: computing"} features anew (${workflowId})`);
  const path = apiPath`/v1/feature-refreshes/${id}`;
  const result = await untilResult(() => client.get(path, outcomeSchema), { signal });
  output.endProgress();
  return result;
}

async function schedule(context: CliContext, { pause, resume, json }: ScheduleOptions): Promise<void> {
  const isChange = pause === true || resume === true;
  const view = await withApi(context, { start: "if-made" }, ({ client }) =>
    isChange
      ? client.put("/v1/feature-schedule", { reply: scheduleSchema, body: { isPaused: pause === true } })
      : client.get("/v1/feature-schedule", scheduleSchema),
  );
  if (json === true) context.output.json(view);
  else context.output.line(scheduleText(view));
}

function scheduleText({ id, isPaused, note, everySeconds, nextAt, lastAt }: ScheduleView): string {
  const every = everySeconds === null ? "" : `, every ${Math.round(everySeconds / 60)} min`;
  const state = isPaused ? `paused${note === null ? "" : ` (${note})`}` : `next ${timeText(nextAt)}`;
  return `${id}${every}: ${state}; last ${timeText(lastAt)}`;
}
