import type { Command } from "commander";
import { Option } from "commander";
import { z } from "zod";
import { apiPath } from "../../client.ts";
import type { ApiClient } from "../../client.ts";
import { withApi } from "../../connection.ts";
import { contextOf } from "../../context.ts";
import type { CliContext } from "../../context.ts";
import { itemsOf, parseSince, showListAt, timeText } from "../../list-view.ts";

interface CreateOptions {
  readonly role: string;
  readonly owner?: string;
  readonly site?: readonly string[];
  readonly expires?: string;
  readonly json?: boolean;
}

const keySchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  role: z.string(),
  sites: z.array(z.string()).nullable(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});
const createdSchema = z.looseObject({ key: keySchema, secret: z.string() });

/** `aura keys`: who may call the API. */
export function registerKeysCommand(program: Command): void {
  const keys = program.command("keys").description("create, list and revoke API keys");
  keys
    .command("create")
    .description("make a key; from the first one on every request needs one")
    .argument("<name>", "what it is called, e.g. for whom or for what it is")
    .addOption(
      new Option("--role <role>", "what it may do")
        .choices(["viewer", "operator", "approver", "admin"])
        .makeOptionMandatory(),
    )
    .option("--owner <person>", "whose it is, as approval policies name people (default: the name)")
    .option("--site <id...>", "only these sites (default: all)")
    .option("--expires <time>", "ISO 8601 time from which it is no longer valid", (text) => parseSince(text))
    .option("--json", "print key and secret as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ aura keys create ana-admin --role admin --owner ana\n  $ aura keys create grafana --role viewer\n\nThe first key must be an admin's. The secret is shown once. Commands send the one in AURA_API_KEY.",
    )
    .action(async (name: string, options: CreateOptions, command: Command) =>
      create(contextOf(command), name, options),
    );
  keys
    .command("list")
    .description("all keys, without their secrets")
    .option("--json", "print them as one JSON list")
    .addHelpText("after", "\nExample:\n  $ aura keys list")
    .action(async (options: { json?: boolean }, command: Command) => list(contextOf(command), options));
  keys
    .command("revoke")
    .description("end a key at once; the last admin key is refused")
    .argument("<id>", "id of the key, not its secret")
    .option("--json", "print the id as JSON")
    .addHelpText("after", "\nExample:\n  $ aura keys revoke k_01a1fd2a")
    .action(async (id: string, { json }: { json?: boolean }, command: Command) => {
      const context = contextOf(command);
      await withApi(context, { start: "if-made" }, ({ client }) => client.delete(apiPath`/v1/keys/${id}`));
      if (json === true) context.output.json({ id, revoked: true });
      else context.output.line(`${id} is revoked`);
    });
}

async function create(context: CliContext, name: string, options: CreateOptions): Promise<void> {
  const { role, owner, site, expires, json } = options;
  const body = {
    name,
    role,
    ...(owner && { owner }),
    ...(site && { sites: site }),
    ...(expires && { expiresAt: expires }),
  };
  const { output } = context;
  const made = await withApi(context, { start: "always" }, async ({ client }) => {
    for (const one of await emptySites(client, site ?? []))
      output.warn(`no asset is at the site ${one}: the key sees nothing there until one is`);
    return client.post("/v1/keys", { reply: createdSchema, body });
  });
  if (json === true) {
    output.json(made);
    return;
  }
  // The secret alone on stdout: it can be piped into a file or a secret store.
  output.note(`key ${made.key.id} (${made.key.role}); its secret is shown only now:`);
  output.line(made.secret);
  output.note("from now on every request needs a key: set AURA_API_KEY to a secret before other commands");
}

/** Those of the sites that no asset is at: most often misspelt. */
async function emptySites(client: ApiClient, sites: readonly string[]): Promise<readonly string[]> {
  const empty: string[] = [];
  for (const site of new Set(sites)) {
    const assets = await client.get("/v1/assets", itemsOf(z.unknown()), { site, limit: 1 });
    if (assets.items.length === 0) empty.push(site);
  }
  return empty;
}

async function list(context: CliContext, { json }: { readonly json?: boolean }): Promise<void> {
  await showListAt(context, {
    path: "/v1/keys",
    row: keySchema,
    json,
    empty: "there are no keys: the API answers on loopback only",
    columns: [
      ["id", (key) => key.id],
      ["name", (key) => key.name],
      ["owner", (key) => key.owner],
      ["role", (key) => key.role],
      ["sites", (key) => key.sites?.join(", ") ?? "all"],
      ["created", (key) => timeText(key.createdAt)],
      ["expires", (key) => timeText(key.expiresAt)],
      ["revoked", (key) => timeText(key.revokedAt)],
    ],
  });
}
