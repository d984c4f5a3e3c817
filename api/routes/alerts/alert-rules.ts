import { z } from "zod";
import { compileRule } from "../../../alerting/compiled-rule.ts";
import { alertChannelSchema, channelTestSchema } from "../../../schemas/alerts/alert-channel.ts";
import { alertSilenceSchema } from "../../../schemas/alerts/alert-silence.ts";
import { alertRuleSchema } from "../../../schemas/alerts/alert-rule.ts";
import type { AlertRule } from "../../../schemas/alerts/alert-rule.ts";
import type { LiveSource } from "../../../schemas/live/source.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { DeclaredRow, DeclarationStore } from "../../../stores/postgres/port/alert-rules.ts";
import type { Actor, Database } from "../../../stores/postgres/port.ts";
import { reachFault } from "../../../alerting/channels/guarded-connection.ts";
import type { ApiDeps } from "../../deps.ts";
import { admin, auditOf, found, listOf, operator, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const declaredSchema = z.strictObject({
  name: nameSchema,
  document: z.record(z.string(), z.unknown()),
  sha256: z.string(),
  declaredBy: z.string(),
  changedAt: z.string(),
});

function replyOf<T>({ name, document, sha256, actor, changedAt }: DeclaredRow<T>) {
  return { name, document, sha256, declaredBy: actor, changedAt };
}

interface DeclarationRoutes<T extends { readonly name: string }> {
  readonly path: string;
  readonly what: string;
  readonly schema: z.ZodType<T>;
  readonly policy: typeof admin | typeof operator;
  readonly summary: string;
  readonly storeOf: (deps: ApiDeps) => DeclarationStore<T>;
  /** Refuses what its own schema cannot see. @returns what is taken and will not do what it looks like */
  readonly check: (document: T, deps: ApiDeps) => Promise<readonly string[]>;
}

/** Documents that are declared under their names: put, list, show, remove. */
function declarationRoutes<T extends { readonly name: string }>(of: DeclarationRoutes<T>): AnyRoute[] {
  const { path, what, schema, policy, summary, storeOf, check } = of;
  const params = z.strictObject({ name: nameSchema });
  const subject = what.replaceAll(" ", "-");
  const put = async (body: T, name: string, given: { readonly actor: Actor; readonly deps: ApiDeps }) => {
    if (body.name !== name)
      throw new PlatformError("invalid_body", `declare ${what} [name]: expected ${name}, got ${body.name}`);
    const warnings = await check(body, given.deps);
    const row = await storeOf(given.deps).put(body, given.actor);
    return { ...replyOf(row), isNew: row.isNew, warnings };
  };
  return [
    route({
      method: "put",
      path: `${path}/{name}`,
      tag: "alerts",
      summary,
      policy,
      params,
      body: { kind: "json", schema },
      reply: declaredSchema.extend({
        isNew: z.boolean(),
        warnings: z.array(z.string()).describe("What would keep it from telling anybody."),
      }),
      handle: ({ params: { name }, body, actor }, deps) => put(body, name, { actor, deps }),
    }),
    route({
      method: "get",
      path,
      tag: "alerts",
      summary: `All of them: each ${what} as it was declared.`,
      policy: viewer,
      reply: listOf(declaredSchema),
      handle: async (_, deps) => ({ items: (await storeOf(deps).list()).map(replyOf) }),
    }),
    route({
      method: "get",
      path: `${path}/{name}`,
      tag: "alerts",
      summary: `The ${what} as it was declared.`,
      policy: viewer,
      params,
      reply: declaredSchema,
      handle: async ({ params: { name } }, deps) => replyOf(found(await storeOf(deps).get(name), what, name)),
    }),
    route({
      method: "delete",
      path: `${path}/{name}`,
      tag: "alerts",
      summary: `Remove the ${what}.`,
      policy,
      params,
      status: 204,
      reply: z.null(),
      async handle(request, deps) {
        const { name } = request.params;
        const entry = auditOf(request, `${subject}.remove`, `${subject}/${name}`);
        found((await storeOf(deps).remove(name, entry)) || undefined, what, name);
        return null;
      },
    }),
  ];
}

/** Channels and models may be declared after the rule, so what is not there yet is told and not refused. */
async function ruleWarnings(
  { source, when, notify: { channels = [], escalate } }: AlertRule,
  document: LiveSource | undefined,
  { alertChannels, registry }: Pick<Database, "alertChannels" | "registry">,
): Promise<string[]> {
  const warnings: string[] = [];
  for (const name of new Set([...channels, ...(escalate?.channels ?? [])]))
    if ((await alertChannels.get(name)) === undefined)
      warnings.push(`notify: there is no channel ${name}; nobody is told by it`);
  if (when.kind !== "threshold") return warnings;
  const { prediction, column, above, below } = when;
  if (prediction !== undefined && (await registry.champion(prediction.model)) === undefined)
    warnings.push(`when.prediction: the model ${prediction.model} has no champion; it fires once it has one`);
  const range = document?.columns.find(({ name }) => name === column)?.range;
  if (range === undefined) return warnings;
  const [least, largest] = range;
  if ((above !== undefined && above >= largest) || (below !== undefined && below <= least))
    warnings.push(
      `when: it can never fire: ${column} of ${source} is declared within ${least} and ${largest}, and other readings are set aside`,
    );
  return warnings;
}

/** Alert rules, the channels by which alerts are sent, and when they are not. */
export const alertRuleRoutes: readonly AnyRoute[] = [
  ...declarationRoutes({
    path: "/v1/alert-rules",
    what: "alert rule",
    schema: alertRuleSchema,
    policy: operator,
    summary: "Declare an alert rule, or change it. What it raised stays until the new one clears it.",
    storeOf: ({ database }) => database().alertRules,
    async check(rule, { database }) {
      const source = rule.source === undefined ? undefined : await database().liveSources.get(rule.source);
      compileRule(rule, source?.document);
      return ruleWarnings(rule, source?.document, database());
    },
  }),
  ...declarationRoutes({
    path: "/v1/alert-channels",
    what: "alert channel",
    schema: alertChannelSchema,
    // The worker calls the address it names.
    policy: admin,
    summary: "Declare a channel of alerts, or change it. Secrets are references, never values.",
    storeOf: ({ database }) => database().alertChannels,
    async check({ name, to }, { alertReach }) {
      if (to.kind === "email" || to.url.startsWith("${")) return [];
      const fault = reachFault(to.url, alertReach);
      if (fault === undefined) return [];
      throw new PlatformError(
        "invalid_alert_rule",
        `declare alert channel ${name} [to.url]: expected a public http or https URL, or a host that AURA_ALERT_HOSTS names; found ${fault}`,
      );
    },
  }),
  ...declarationRoutes({
    path: "/v1/alert-silences",
    what: "alert silence",
    schema: alertSilenceSchema,
    policy: operator,
    summary:
      "Declare when nobody is told of some alerts, or change it. They are raised all the same; what is open at its end is told.",
    storeOf: ({ database }) => database().alertSilences,
    check: async () => [],
  }),
  route({
    method: "post",
    path: "/v1/alert-channels/{name}/test",
    tag: "alerts",
    summary: "Tell the channel that it works, and say what came of it.",
    policy: admin,
    params: z.strictObject({ name: nameSchema }),
    reply: channelTestSchema,
    async handle(request, { database, workflows }) {
      const { name } = request.params;
      found(await database().alertChannels.get(name), "alert channel", name);
      const result = await workflows.testChannel({ channel: name, by: request.actor.id });
      const { outcome } = result;
      await database().audit.append(
        auditOf(request, "alert-channel.test", `alert-channel/${name}`, { outcome }),
      );
      return result;
    },
  }),
];
