import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { z } from "zod";
import { durationMs, durationSchema } from "../../../schemas/pipeline/time.ts";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { EXIT } from "../../exit-codes.ts";
import type { ExitCode } from "../../exit-codes.ts";
import { parseLimit, parseVersion, showAt, showListAt, timeText } from "../../list-view.ts";
import type { Output } from "../../output.ts";
import { asOption, personOf } from "../../run/as-option.ts";
import type { AsOption } from "../../run/as-option.ts";
import { patient } from "../../run/follow-run.ts";

interface JsonOption {
  readonly json?: boolean;
}

/** A person's word on a rollout. */
interface WordOptions extends JsonOption, AsOption {
  readonly reason: string;
}

const countsSchema = z.looseObject({ requests: z.number(), rows: z.number(), failed: z.number() });
const rowSchema = z.looseObject({
  id: z.string(),
  model: z.string(),
  version: z.number(),
  championVersion: z.number(),
  state: z.string(),
  stage: z.number(),
  mode: z.string(),
  share: z.number(),
  bakeUntil: z.string().nullable(),
  guard: z.string().nullable(),
  reason: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
});
const rolloutSchema = rowSchema.extend({
  plan: z.looseObject({ stages: z.array(z.looseObject({ mode: z.string(), share: z.number() })) }),
  events: z.array(
    z.looseObject({
      kind: z.string(),
      share: z.number(),
      at: z.string(),
      actor: z.string(),
      reason: z.string(),
    }),
  ),
  counted: z.looseObject({
    candidate: countsSchema,
    champion: countsSchema,
    pairs: z.number(),
    different: z.number(),
    dropped: z.number(),
    incomparable: z.number(),
  }),
});
type RolloutView = z.infer<typeof rolloutSchema>;

/** `aura rollout`: a new version that takes over in stages, and the people's hand on it. */
export function registerRolloutCommand(program: Command): void {
  const rollout = program
    .command("rollout")
    .description("look at, pause, continue, abort and wait for the staged take-over of a new version");
  registerLooks(rollout);
  registerStart(rollout);
  registerCommands(rollout);
  registerWait(rollout);
}

function registerLooks(rollout: Command): void {
  rollout
    .command("list")
    .description("rollouts, newest first")
    .option("--model <name>", "of one model")
    .option("--open", "those that go on")
    .option("--limit <n>", "at most so many", parseLimit, 50)
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura rollout list --open")
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  rollout
    .command("status")
    .description("where the rollout of a model stands, how it came there, and what its stage has counted")
    .argument("<model>", "name of the model")
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  $ aura rollout status turbofan")
    .action(async (model: string, { json }: JsonOption, command: Command) => {
      await showAt(contextOf(command), {
        path: apiPath`/v1/models/${model}/rollout`,
        reply: rolloutSchema,
        json,
        show: showRollout,
      });
    });
}

interface ListOptions extends JsonOption {
  readonly model?: string;
  readonly open?: boolean;
  readonly limit: number;
}

async function list(context: CliContext, { model, open, limit, json }: ListOptions): Promise<void> {
  await showListAt(context, {
    path: "/v1/rollouts",
    row: rowSchema,
    query: { limit, model, open: open === true ? "true" : undefined },
    json,
    empty: "there are no rollouts",
    columns: [
      ["model", (row) => `${row.model}@${row.version}`],
      ["state", (row) => row.state],
      ["stage", (row) => stageText(row)],
      ["until", (row) => timeText(row.bakeUntil)],
      ["since", (row) => timeText(row.startedAt)],
      ["why", (row) => whyText(row)],
    ],
  });
}

function registerStart(rollout: Command): void {
  rollout
    .command("start")
    .description("roll out an approved version in the stages that its pipeline declares, or the usual ones")
    .argument("<model>", "name of the model")
    .argument("<version>", "its version", parseVersion)
    .addOption(asOption("asks"))
    .option("--reason <text>", "why; recorded", "")
    .option("--json", "print what was started as JSON")
    .addHelpText("after", "\nExample:\n  $ aura rollout start turbofan 3")
    .action(async (...given: [string, number, WordOptions, Command]) => {
      const [model, version, options, command] = given;
      const { reason, json } = options;
      const context = contextOf(command);
      const { output } = context;
      await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
        const reply = z.looseObject({ rolloutId: z.string() });
        const path = apiPath`/v1/models/${model}/rollouts`;
        const body = { version, reason, by: personOf(options) };
        const started = await client.post(path, { reply, body });
        // What follows may ask for its state, and must not get that of the one before.
        await patient(() => readOne(client, started.rolloutId), { signal, patienceMs: BEGIN_MS })();
        if (json === true) output.json(started);
        else output.line(`${started.rolloutId} has begun; aura rollout status ${model}`);
      });
    });
}

function registerCommands(rollout: Command): void {
  for (const [name, description] of [
    ["pause", "keep a rollout at its stage; its guards go on"],
    ["continue", "let a paused rollout go on with what was left of its stage"],
    ["abort", "end a rollout: the champion answers alone at once"],
  ] as const) {
    rollout
      .command(name)
      .description(description)
      .argument("<model>", "name of the model")
      .addOption(asOption("says so"))
      .requiredOption("--reason <text>", "why; recorded")
      .option("--json", "print the rollout as JSON")
      .addHelpText(
        "after",
        `\nExample:\n  $ aura rollout ${name} turbofan --reason "the night shift is short"`,
      )
      .action(async (model: string, options: WordOptions, command: Command) => {
        const context = contextOf(command);
        const { output } = context;
        await withApi(context, { start: "if-made" }, async ({ client }) => {
          const { id } = await read(client, model);
          const path = apiPath`/v1/rollouts/${id}/${name}`;
          const body = { reason: options.reason, by: personOf(options) };
          const after = await client.post(path, { reply: rolloutSchema, body });
          if (options.json === true) output.json(after);
          else output.line(`${after.id} is ${after.state}`);
        });
      });
  }
}

function registerWait(rollout: Command): void {
  rollout
    .command("wait")
    .description("wait until the rollout of a model is over; for scripts and CI systems")
    .argument("<model>", "name of the model")
    .argument(
      "[version]",
      "wait for the rollout of this one, also when it has not begun since the version was approved",
      parseVersion,
    )
    .option("--timeout <duration>", "at most so long, e.g. 30m", parseDuration)
    .option("--json", "print the rollout as JSON")
    .addHelpText(
      "after",
      "\nEnds with 0 when the version was promoted, 3 when a guard rolled it back, 4 when somebody aborted it, 5 when\nit still goes on at the timeout.\n\nExample:\n  $ aura rollout wait turbofan 7 --timeout 2h",
    )
    .action(async (...given: [string, number | undefined, WaitOptions, Command]) => {
      const [model, version, options, command] = given;
      await wait(contextOf(command), { model, version }, options);
    });
}

interface WaitOptions extends JsonOption {
  readonly timeout?: number;
}

const POLL_MS = 500;
/** Within which a rollout that was asked for is on record. */
const BEGIN_MS = 30_000;
/** A version that is to be approved first may take its time; a day is long for a script. */
const MOST_PATIENCE_MS = 24 * 3_600_000;

async function wait(
  context: CliContext,
  { model, version }: { readonly model: string; readonly version: number | undefined },
  { timeout = Infinity, json }: WaitOptions,
): Promise<void> {
  const { output } = context;
  const until = performance.now() + timeout;
  await withApi(context, { start: "if-made" }, async ({ client, signal }) => {
    let found = await patient(() => read(client, model, version), {
      signal,
      patienceMs: version === undefined ? 0 : Math.min(timeout, MOST_PATIENCE_MS),
      onAway: ({ message }) => output.progress(`waiting for it to begin: ${message}`),
    })();
    const { id } = found;
    const ask = patient(() => readOne(client, id), { signal, awaited: [] });
    while (found.endedAt === null && performance.now() < until) {
      output.progress(`${model}@${found.version}: ${found.state}, ${stageText(found)}`);
      await sleep(Math.min(POLL_MS, Math.max(1, until - performance.now())), undefined, { signal });
      found = await ask();
    }
    output.endProgress();
    if (json === true) output.json(found);
    else output.line(`${found.id}: ${found.state}${found.endedAt === null ? "" : ` ${whyText(found)}`}`);
    context.exitWith(exitOf(found));
  });
}

function exitOf({ state }: RolloutView): ExitCode {
  switch (state) {
    case "promoted":
      return EXIT.ok;
    case "rolled_back":
      return EXIT.gateRefused;
    case "aborted":
      return EXIT.rejectedOrExpired;
    default:
      return EXIT.waiting;
  }
}

/** The rollout of a model, or of one of its versions, that goes on, else the last one. */
function read(client: ApiClient, model: string, version?: number): Promise<RolloutView> {
  return client.get(apiPath`/v1/models/${model}/rollout`, rolloutSchema, { version });
}

function readOne(client: ApiClient, id: string): Promise<RolloutView> {
  return client.get(apiPath`/v1/rollouts/${id}`, rolloutSchema);
}

function showRollout(output: Output, found: RolloutView): void {
  const { model, version, championVersion, state, plan, stage, counted, events } = found;
  output.line(`${output.style("bold", state)}  ${model}@${version} beside champion @${championVersion}`);
  const why = whyText(found);
  if (why !== "") output.line(`why    ${why}`);
  output.line(
    `stages ${plan.stages.map((one, i) => (i === stage ? `[${stageText(one)}]` : stageText(one))).join(" → ")} → champion`,
  );
  if (found.bakeUntil !== null) output.line(`until  ${timeText(found.bakeUntil)}`);
  output.line();
  const side = (name: string, { requests, rows, failed }: z.infer<typeof countsSchema>) =>
    [name, requests, rows, failed].map(String);
  output.table(
    ["in this stage", "requests", "rows", "failed"],
    [side(`new @${version}`, counted.candidate), side(`champion @${championVersion}`, counted.champion)],
  );
  output.line(
    `${counted.pairs} rows compared, ${counted.different} answered differently, ${counted.dropped} passed over, ${counted.incomparable} not comparable`,
  );
  output.line();
  output.table(
    ["at", "what", "share", "by", "reason"],
    events.map((e) => [timeText(e.at), e.kind, `${e.share} %`, e.actor, e.reason]),
  );
}

function stageText({ mode, share }: { readonly mode: string; readonly share: number }): string {
  return mode === "shadow" ? "shadow" : `${share} %`;
}

function whyText({ guard, reason }: z.infer<typeof rowSchema>): string {
  return `${guard === null ? "" : `[${guard}] `}${reason ?? ""}`;
}

function parseDuration(text: string): number {
  const parsed = durationSchema.safeParse(text);
  if (parsed.success) return durationMs(parsed.data);
  throw new InvalidArgumentError("expected a duration such as 90s, 30m or 2h");
}
