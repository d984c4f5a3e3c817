import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { NAME_PATTERN } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { askedFor, parseLimit, showList, timeText } from "../../list-view.ts";

interface JsonOption {
  readonly json?: boolean;
}

interface AskOptions extends JsonOption, AsOption {
  readonly reason?: string;
  readonly skipCoolDown?: boolean;
}

interface ListOptions extends JsonOption {
  readonly model?: string;
  readonly limit: number;
}

const askedSchema = z.looseObject({ model: z.string(), window: z.string(), workflowId: z.string() });
const listSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      model: z.string(),
      window: z.string(),
      trigger: z.string(),
      reason: z.string(),
      requestedBy: z.string(),
      askedAt: z.string(),
      state: z.string(),
      outcome: z.string().nullable(),
      runId: z.string().nullable(),
      version: z.number().nullable(),
      message: z.string().nullable(),
    }),
  ),
  refused: z.array(
    z.looseObject({
      model: z.string(),
      trigger: z.string(),
      message: z.string(),
      possibleAt: z.string().nullable(),
      times: z.number(),
      lastAt: z.string(),
    }),
  ),
});

/** `aura retrain`: a model trained anew by hand, and all that were. */
export function registerRetrainCommand(program: Command): void {
  const retrain = program
    .command("retrain")
    .description("train a model anew from the newest data, up to its approval; or list what was")
    .argument("<model>", "name of the model", parseModel)
    // Not commander's own required one: `retrain list` would need it as well.
    .option("--reason <text>", "why; recorded (required)")
    .addOption(asOption("asks"))
    .option("--skip-cool-down", "start although the last one is younger than retraining.coolDown")
    .option("--json", "print what was started as JSON")
    .addHelpText(
      "after",
      '\nExamples:\n  $ aura retrain turbofan --reason "new bearings since May"\n  $ aura retrain list',
    )
    .action(async (model: string, options: AskOptions, command: Command) =>
      ask(contextOf(command), model, options),
    );
  retrain
    .command("list")
    .description("retrains, newest first: who asked, why, what came of it; and what was refused until when")
    .option("--model <model>", "of one model", parseModel)
    .option("--limit <n>", "at most so many", parseLimit, 20)
    .option("--json", "print them as one JSON document")
    .addHelpText("after", "\nExample:\n  $ aura retrain list --model turbofan")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
}

function parseModel(text: string): string {
  if (NAME_PATTERN.test(text)) return text;
  throw new InvalidArgumentError("expected the name of a model");
}

async function ask(context: CliContext, model: string, options: AskOptions): Promise<void> {
  const { reason, skipCoolDown = false, json } = options;
  if (reason === undefined)
    throw new PlatformError(
      "config_invalid",
      "retrain: expected --reason <text>, why the model is trained anew",
    );
  const body = { model, reason, skipCoolDown, by: personOf(options) };
  const asked = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post("/v1/retrains", { reply: askedSchema, body }),
  );
  if (json === true) context.output.json(asked);
  else
    context.output.line(`${model} is trained anew (${asked.workflowId}); aura runs list shows how far it is`);
}

async function list(context: CliContext, { model, limit, json }: ListOptions): Promise<void> {
  const { output } = context;
  const found = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get("/v1/retrains", listSchema, { limit: askedFor(limit), model }),
  );
  if (json === true) {
    output.json({ ...found, items: found.items.slice(0, limit), refused: found.refused.slice(0, limit) });
    return;
  }
  showList(output, found.items, {
    limit,
    empty: "there was no retrain",
    columns: [
      ["asked", (row) => timeText(row.askedAt)],
      ["model", (row) => row.model],
      ["by", (row) => `${row.trigger}, ${row.requestedBy}`],
      ["state", (row) => row.outcome ?? row.state],
      ["version", (row) => (row.version === null ? "-" : `@${row.version}`)],
      ["run", (row) => row.runId?.slice(0, 8)],
      ["window", (row) => row.window],
      ["why", (row) => row.message ?? row.reason],
    ],
  });
  if (found.refused.length === 0) return;
  output.line();
  showList(output, found.refused, {
    limit,
    empty: "",
    columns: [
      ["refused", (row) => timeText(row.lastAt)],
      ["model", (row) => row.model],
      ["by", (row) => row.trigger],
      ["times", (row) => row.times],
      ["possible from", (row) => timeText(row.possibleAt)],
      ["why", (row) => row.message],
    ],
  });
}
