import { z } from "zod";
import { spanSchema } from "./source.ts";

/** A value that is kept elsewhere: in the environment of the ingestor, or in a file of its folder of secrets. */
export const SECRET_REFERENCE = /\$\{(env:AURA_FEED_[A-Z0-9_]+|file:[A-Za-z0-9][A-Za-z0-9._-]*)\}/;
const WHOLE_REFERENCE = new RegExp(`^${SECRET_REFERENCE.source}$`);
/** Names of parameters and headers whose values are nobody's business. */
const SECRET_NAME = /auth|token|secret|passw|api[-_]?key|^key$|^sig(nature)?$|cookie/i;
const EXPECTED_REFERENCE =
  "expected a reference such as ${env:AURA_FEED_PASSWORD}, as a secret is never stored";

const secretSchema = z
  .string()
  .max(500)
  .regex(WHOLE_REFERENCE, EXPECTED_REFERENCE)
  .describe("A secret: `${env:AURA_FEED_…}` or `${file:name}`.");

/** A URL without a secret in it: of what looks like one only a reference is taken. */
const urlSchema = (...protocols: readonly string[]) =>
  z
    .string()
    .max(2_000)
    .superRefine((text, context) => {
      const refuse = (message: string): void => context.addIssue({ code: "custom", message });
      // References stand for text of any form, so the URL is judged with something plain in their place.
      const plain = text.replaceAll(new RegExp(SECRET_REFERENCE.source, "g"), "reference");
      const expected = `expected a URL starting with ${protocols.map((p) => `${p}//`).join(" or ")}`;
      if (!URL.canParse(plain)) return refuse(expected);
      const url = new URL(plain);
      if (!protocols.includes(url.protocol)) return refuse(expected);
      const password = /^[a-z]+:\/\/[^/?#@]*?:([^/?#@]*)@/i.exec(text)?.[1];
      if (url.password !== "" && !WHOLE_REFERENCE.test(password ?? "")) return refuse(EXPECTED_REFERENCE);
      for (const [, name = "", value = ""] of text.matchAll(/[?&]([^=&#]*)=([^&#]*)/g))
        if (SECRET_NAME.test(name) && !WHOLE_REFERENCE.test(value)) return refuse(EXPECTED_REFERENCE);
    });

const every = (fallback: string) => spanSchema.default(fallback).describe("Pause between two looks.");

/** An MQTT broker that AURA does not run. */
export const mqttOriginSchema = z.strictObject({
  kind: z.literal("mqtt"),
  url: urlSchema("mqtt:", "mqtts:").describe("The broker."),
  topics: z.array(z.string().min(1).max(1_000)).min(1).max(100).describe("Topic filters, as MQTT has them."),
  version: z.enum(["3.1.1", "5"]).default("3.1.1").describe("Version of the protocol."),
  clientId: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Names the session that the broker keeps while nobody listens; default: `aura-` and the feed."),
  username: z.string().max(500).optional().describe("User at the broker."),
  password: secretSchema.optional(),
});

/** A folder in which files appear. */
export const folderOriginSchema = z.strictObject({
  kind: z.literal("folder"),
  path: z.string().min(1).max(1_000).describe("Folder, below one of `AURA_FEED_FOLDERS`."),
  files: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/\\]+$/, "expected a name with * and ?, without folders")
    .default("*")
    .describe("Names of files, with `*` and `?`."),
  format: z
    .enum(["auto", "jsonl", "csv", "parquet"])
    .default("auto")
    .describe("`auto`: by the end of the name: .jsonl, .ndjson, .csv, .parquet."),
  settle: spanSchema.default("2s").describe("A file is whole once it has not changed for so long."),
  done: z
    .enum(["leave", "move"])
    .default("leave")
    .describe("What becomes of a file that was read: `move` puts it into the folder `done`."),
  every: every("1s"),
});

/** Answers of an HTTP server that is asked again and again. */
export const httpOriginSchema = z.strictObject({
  kind: z.literal("http"),
  url: urlSchema("http:", "https:").describe("What is asked for."),
  every: every("60s"),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(2_000))
    .refine(
      (headers) =>
        Object.entries(headers).every(([n, v]) => !SECRET_NAME.test(n) || SECRET_REFERENCE.test(v)),
      {
        message: EXPECTED_REFERENCE,
      },
    )
    .optional()
    .describe("Headers of each request."),
  format: z.enum(["json", "jsonl", "csv"]).default("json").describe("Form of the answer."),
  since: z
    .strictObject({
      parameter: z.string().min(1).max(100).describe("Query parameter that says from when on."),
      field: z.string().min(1).max(200).describe("Field of an item that holds its time or number."),
      start: z.union([z.string().max(100), z.number()]).describe("What the first request says."),
    })
    .optional()
    .describe("Asks for what is newer than the newest item."),
  cursor: z
    .strictObject({
      parameter: z.string().min(1).max(100).describe("Query parameter that takes the cursor."),
      field: z
        .string()
        .min(1)
        .max(200)
        .describe("Field of the answer that holds the next one; absent or null: the last page."),
    })
    .optional()
    .describe("Follows pages of an answer."),
});

/** Rows of a query, as they are added. */
export const postgresOriginSchema = z.strictObject({
  kind: z.literal("postgres"),
  url: urlSchema("postgres:", "postgresql:").describe("The database; a role that may read is enough."),
  query: z
    .string()
    .min(1)
    .max(20_000)
    .describe("A select without order and limit; its columns are fields of the items."),
  column: z.string().min(1).max(63).describe("Column of the query that only grows: a number or a time."),
  start: z.union([z.string().max(100), z.number()]).describe("Rows above this are read."),
  overlap: z
    .union([z.number().min(0), spanSchema])
    .default(0)
    .describe(
      "So far back each look begins, as rows may be committed out of order; those known are not stored again.",
    ),
  rows: z.int().min(1).max(10_000).default(5_000).describe("Rows at once."),
  every: every("5s"),
});

/** Topics of a Kafka cluster. */
export const kafkaOriginSchema = z.strictObject({
  kind: z.literal("kafka"),
  brokers: z
    .array(z.string().regex(/^[A-Za-z0-9.:[\]-]+:\d{1,5}$/, "expected host:port"))
    .min(1)
    .max(50)
    .describe("Some brokers, as host:port."),
  topics: z
    .array(z.string().regex(/^[A-Za-z0-9._-]{1,249}$/))
    .min(1)
    .max(100),
  group: z.string().min(1).max(200).optional().describe("Consumer group; default: `aura-` and the feed."),
  start: z.enum(["oldest", "newest"]).default("oldest").describe("Where a new group begins."),
  tls: z.boolean().default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
      username: z.string().min(1).max(500),
      password: secretSchema,
    })
    .optional(),
});

/** A Kinesis stream; who may read it is said by the usual AWS variables of the ingestor. */
export const kinesisOriginSchema = z.strictObject({
  kind: z.literal("kinesis"),
  stream: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/)
    .describe("Name of the stream."),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,50}$/)
    .default("us-east-1"),
  endpoint: urlSchema("http:", "https:").optional().describe("A server that is not AWS."),
  start: z.enum(["oldest", "newest"]).default("oldest").describe("Where a new feed begins."),
  every: every("1s"),
});

/** Where a feed has its readings from. A new kind is a schema here and an adapter in sources/streams. */
export const feedOriginSchema = z.discriminatedUnion("kind", [
  mqttOriginSchema,
  folderOriginSchema,
  httpOriginSchema,
  postgresOriginSchema,
  kafkaOriginSchema,
  kinesisOriginSchema,
]);
export type FeedOrigin = z.infer<typeof feedOriginSchema>;
export type FeedKind = FeedOrigin["kind"];
export type OriginOf<K extends FeedKind> = Extract<FeedOrigin, { kind: K }>;

/** Members that say where a position of a kind is a place in; when one changes the feed begins anew. */
const PLACE_MEMBERS: { readonly [K in FeedKind]: readonly string[] } = {
  // The other side keeps the position.
  mqtt: [],
  kafka: [],
  folder: ["path"],
  http: ["url", "since"],
  postgres: ["url", "column", "start"],
  kinesis: ["stream", "region", "endpoint"],
};

/** Whether a position in one origin means the same in another. */
export function keepsPosition(before: FeedOrigin, after: FeedOrigin): boolean {
  if (before.kind !== after.kind) return false;
  const [x, y] = [before, after].map((origin) => new Map(Object.entries(origin)));
  return PLACE_MEMBERS[after.kind].every(
    (name) => JSON.stringify(x?.get(name)) === JSON.stringify(y?.get(name)),
  );
}
