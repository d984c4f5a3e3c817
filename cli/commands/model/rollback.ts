import type { Command } from "commander";
import { z } from "zod";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { parseVersion, timeText } from "../../list-view.ts";
import { safeText } from "../../output.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import { rollBack } from "./models.ts";
import type { RollbackOptions } from "./models.ts";

interface BreakGlassOptions extends RollbackOptions {
  readonly breakGlass?: boolean;
}

const championSchema = z.looseObject({ version: z.number() });
const brokenSchema = z.looseObject({
  reviewId: z.string(),
  reviewUntil: z.string(),
  version: z.number(),
  previousVersion: z.number().nullable(),
  abortedRollout: z.string().nullable(),
});

/** `aura rollback`: back to an earlier champion, in an emergency without an approver. */
export function registerRollbackCommand(program: Command): void {
  program
    .command("rollback")
    .description("make an earlier champion the champion again; in an emergency without an approver")
    .argument("<model>", "name of the model")
    .option("--to <version>", "which (default: the one before the present champion)", parseVersion)
    .addOption(asOption("asks"))
    .requiredOption("--reason <text>", "why; recorded")
    .option(
      "--break-glass",
      "at once and without an approver, for those whom AURA_BREAK_GLASS names; a rollout that goes on ends first. Somebody else reviews it",
    )
    .option("--json", "print what was done as JSON")
    .addHelpText(
      "after",
      '\nExamples:\n  $ aura rollback turbofan --reason "false alarms since noon"\n  $ aura rollback turbofan --break-glass --reason "line 3 stands still"',
    )
    .action(async (model: string, options: BreakGlassOptions, command: Command) => {
      const context = contextOf(command);
      if (options.breakGlass === true) return breakGlass(context, model, options);
      return rollBack(context, model, options);
    });
}

/** From the champion that is seen now: should somebody else have moved it meanwhile, nothing happens. */
async function breakGlass(context: CliContext, model: string, options: RollbackOptions): Promise<void> {
  const { to, reason, json } = options;
  const { output } = context;
  await withApi(context, { start: "if-made" }, async ({ client }) => {
    const { version: from } = await client.get(apiPath`/v1/models/${model}/champion`, championSchema);
    const body = { reason, from, by: personOf(options), ...(to === undefined ? {} : { version: to }) };
    const done = await client.post(apiPath`/v1/models/${model}/break-glass`, { reply: brokenSchema, body });
    if (json === true) return output.json(done);
    if (done.abortedRollout !== null) output.line(safeText(`${done.abortedRollout} is aborted`));
    const moved = done.previousVersion === null ? "is still" : "is";
    output.line(`${model}@${done.version} ${moved} the champion`);
    output.line(
      safeText(
        `somebody else reviews it until ${timeText(done.reviewUntil)}: aura approvals approve ${done.reviewId}`,
      ),
    );
  });
}
