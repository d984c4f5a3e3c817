import { z } from "zod";
import { nameSchema } from "../names.ts";
import { SEVERITIES } from "./alert-rule.ts";

/** A secret of a channel: in the environment of the worker, or in a file of its folder of secrets. */
export const CHANNEL_SECRET = /^\$\{(env:AURA_ALERT_[A-Z0-9_]+|file:[A-Za-z0-9][A-Za-z0-9._-]*)\}$/;

const secretSchema = z
  .string()
  .max(500)
  .regex(
    CHANNEL_SECRET,
    "expected a reference such as ${env:AURA_ALERT_SECRET} or ${file:name}, as a secret is never stored",
  );

const urlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine((text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""), {
    message: "expected no user or password in the URL",
  });

const mailSchema = z.email().max(254);

export const channelTargetSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("webhook"),
    url: urlSchema.describe("Where alerts are posted as JSON."),
    secret: secretSchema.describe("Signs each with HMAC-SHA256."),
  }),
  z.strictObject({
    kind: z.literal("slack"),
    url: z
      .union([urlSchema, secretSchema])
      .describe("Slack's incoming webhook, or a reference to it: such a URL is a secret itself."),
  }),
  z.strictObject({
    kind: z.literal("email"),
    host: z.string().min(1).max(253).describe("The SMTP server."),
    port: z.int().min(1).max(65_535).default(587),
    tls: z
      .enum(["starttls", "implicit", "none"])
      .default("starttls")
      .describe("`none` only for a server on this machine or within a closed network."),
    user: z.string().max(254).optional(),
    password: secretSchema.optional(),
    from: mailSchema,
    to: z.array(mailSchema).min(1).max(50),
  }),
  z.strictObject({
    kind: z.literal("alertmanager"),
    url: urlSchema.describe("Alertmanager, without `/api/v2`."),
  }),
]);
export type ChannelTarget = z.infer<typeof channelTargetSchema>;

/** Declaration of a channel: what `aura alerts channels put` takes. */
export const alertChannelSchema = z.strictObject({
  name: nameSchema.describe("The channel."),
  description: z.string().max(500).optional().describe("For people."),
  minSeverity: z.enum(SEVERITIES).default("warning").describe("Lesser alerts are not sent."),
  rules: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(100)
    .default(["*"])
    .describe(
      "Rules, or kinds of the platform's own alerts, whose alerts it takes; `*` stands for any text.",
    ),
  to: channelTargetSchema.describe("Where they are sent."),
});
export type AlertChannel = z.infer<typeof alertChannelSchema>;

/** Reply of `POST /v1/alert-channels/{name}/test`. */
export const channelTestSchema = z.strictObject({
  channel: nameSchema,
  outcome: z
    .enum(["delivered", "refused", "unavailable"])
    .describe("`refused`: trying again would come to the same."),
  status: z.int().nullable().describe("HTTP status, where one came."),
  reason: z.string().nullable(),
});
export type ChannelTest = z.infer<typeof channelTestSchema>;
