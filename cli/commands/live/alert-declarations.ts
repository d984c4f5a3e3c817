import { resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { channelTestSchema } from "../../../schemas/alerts/alert-channel.ts";
import {
  parseAlertChannel,
  parseAlertRule,
  parseAlertSilence,
} from "../../../schemas/live/parse-declaration.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { apiPath } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { showListAt, timeText } from "../../list-view.ts";
import { readTextFile } from "../../text-file.ts";

interface JsonOption {
  readonly json?: boolean;
}

const declaredSchema = z.looseObject({
  name: z.string(),
  document: z.looseObject({
    severity: z.string().optional(),
    until: z.string().optional(),
    when: kindOnly(),
    to: kindOnly(),
  }),
  declaredBy: z.string(),
  changedAt: z.string(),
});
type Declared = z.infer<typeof declaredSchema>;

function kindOnly() {
  return z.looseObject({ kind: z.string() }).optional();
}

/** Rules, channels or silences: documents under names. */
interface Declarations {
  readonly command: "rules" | "channels" | "silences";
  readonly description: string;
  readonly path: string;
  readonly file: string;
  readonly one: string;
  readonly removal: string;
  readonly parse: (text: string, fileName: string) => { readonly name: string };
}

const RULES: Declarations = {
  command: "rules",
  description: "what raises alerts",
  path: "/v1/alert-rules",
  file: "rule.yaml",
  one: "hot-bearing",
  removal: "remove one; what it raised is over",
  parse: parseAlertRule,
};
const CHANNELS: Declarations = {
  command: "channels",
  description: "where alerts are sent",
  path: "/v1/alert-channels",
  file: "channel.yaml",
  one: "ops",
  removal: "remove one; nothing is sent there any more",
  parse: parseAlertChannel,
};

const SILENCES: Declarations = {
  command: "silences",
  description: "when nobody is told of some alerts",
  path: "/v1/alert-silences",
  file: "silence.yaml",
  one: "overhaul",
  removal: "end one; what it kept back and is still open is told",
  parse: parseAlertSilence,
};

/** `aura alerts rules`, `channels` and `silences`. */
export function registerAlertDeclarations(alerts: Command): void {
  for (const of of [RULES, CHANNELS, SILENCES]) {
    const group = alerts.command(of.command).description(of.description);
    const example = (rest: string) => `\nExample:\n  $ aura alerts ${of.command} ${rest}`;
    group
      .command("put")
      .description("declare one, or change it")
      .argument(`<${of.file}>`, "the declaration")
      .option("--json", "print it as JSON")
      .addHelpText("after", example(`put ${of.one}.${of.file}`))
      .action(async (file: string, options: JsonOption, command: Command) =>
        put(contextOf(command), of, { file, ...options }),
      );
    group
      .command("list")
      .description("all of them")
      .option("--json", "print them as one JSON list")
      .addHelpText("after", example("list"))
      .action(async (options: JsonOption, command: Command) => list(contextOf(command), of, options));
    group
      .command("show")
      .description("one as it was declared")
      .argument("<name>", "its name")
      .option("--json", "print it as JSON")
      .addHelpText("after", example(`show ${of.one}`))
      .action(async (name: string, options: JsonOption, command: Command) =>
        show(contextOf(command), of, { name, ...options }),
      );
    group
      .command("remove")
      .description(of.removal)
      .argument("<name>", "its name")
      .addHelpText("after", example(`remove ${of.one}`))
      .action(async (name: string, _options: object, command: Command) => {
        const context = contextOf(command);
        await withApi(context, { start: "if-made" }, ({ client }) =>
          client.delete(`${of.path}${apiPath`/${name}`}`),
        );
        context.output.line(`${name}: removed`);
      });
    if (of === CHANNELS)
      group
        .command("test")
        .description("tell one that it works, and see what comes of it")
        .argument("<name>", "its name")
        .option("--json", "print it as JSON")
        .addHelpText("after", example(`test ${of.one}`))
        .action(async (name: string, options: JsonOption, command: Command) =>
          test(contextOf(command), name, options),
        );
  }
}

async function test(context: CliContext, name: string, { json }: JsonOption): Promise<void> {
  const result = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.post(apiPath`/v1/alert-channels/${name}/test`, { reply: channelTestSchema }),
  );
  const { outcome, status, reason } = result;
  if (json === true) context.output.json(result);
  else if (outcome === "delivered") context.output.line(`${name}: delivered`);
  if (outcome === "delivered") return;
  const told = [status === null ? undefined : `status ${status}`, reason].filter(Boolean).join(", ");
  throw new PlatformError("channel_unavailable", `test channel ${name}: ${outcome}, ${told}`);
}

async function put(
  context: CliContext,
  { path, parse }: Declarations,
  { file, json }: JsonOption & { readonly file: string },
): Promise<void> {
  const document = parse(readTextFile(resolve(context.cwd, file), file), file);
  const row = await withApi(context, { start: "always" }, ({ client }) =>
    client.put(`${path}${apiPath`/${document.name}`}`, {
      reply: declaredSchema.extend({ isNew: z.boolean(), warnings: z.array(z.string()).default([]) }),
      body: document,
    }),
  );
  if (json === true) context.output.json(row);
  else context.output.line(`${row.name}: ${row.isNew ? "declared" : "unchanged"}, ${kindOf(row)}`);
  if (json !== true) for (const warning of row.warnings) context.output.warn(`${row.name}: ${warning}`);
}

async function list(
  context: CliContext,
  { path, command, file }: Declarations,
  { json }: JsonOption,
): Promise<void> {
  await showListAt(context, {
    path,
    row: declaredSchema,
    json,
    empty: `there are none; \`aura alerts ${command} put <${file}>\` declares one`,
    columns: [
      ["name", (row) => row.name],
      ["kind", kindOf],
      ["severity", (row) => row.document.severity ?? "-"],
      ["declared by", (row) => row.declaredBy],
      ["changed", (row) => timeText(row.changedAt)],
    ],
  });
}

async function show(
  context: CliContext,
  { path }: Declarations,
  { name, json }: JsonOption & { readonly name: string },
): Promise<void> {
  const row = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(`${path}${apiPath`/${name}`}`, declaredSchema),
  );
  if (json === true) context.output.json(row);
  else context.output.line(JSON.stringify(row.document, null, 2));
}

const kindOf = ({ document: { when, to, until } }: Declared): string =>
  when?.kind ?? to?.kind ?? (until === undefined ? "-" : `until ${timeText(until)}`);
