import { expect, it } from "vitest";
import { keepsPosition } from "./feed-origin.ts";
import type { FeedOrigin } from "./feed-origin.ts";
import { feedSchema } from "./feed.ts";
import { parseFeed } from "./parse-declaration.ts";

const feed = (from: object, reading?: object) =>
  feedSchema.safeParse({ name: "f", source: "pumps", from, ...(reading === undefined ? {} : { reading }) });
const query = { kind: "postgres", query: "select 1 as id", column: "id", start: 0 };
const mqtt = { kind: "mqtt", topics: ["a"] };

it.each<[string, object]>([
  ["a password in a URL", { ...query, url: "postgresql://reader:hunter2@db/x" }],
  ["a password beside a reference", { ...query, url: "postgresql://reader:x${env:AURA_FEED_X}@db/x" }],
  ["a password", { ...mqtt, url: "mqtt://b", password: "hunter2" }],
  ["a token in a query", { kind: "http", url: "https://x.example/?api_key=hunter2" }],
  [
    "an authorization header",
    { kind: "http", url: "https://x.example/", headers: { Authorization: "Bearer hunter2" } },
  ],
  ["a variable that is not for feeds", { ...mqtt, url: "mqtt://b", password: "${env:DATABASE_URL}" }],
  ["a file elsewhere", { ...mqtt, url: "mqtt://b", password: "${file:../postgres-password}" }],
])("refuses %s", (_, from) => {
  const { error } = feed(from);
  expect(error?.issues.map(({ message }) => message).join()).toContain("a secret is never stored");
});

it("does not repeat a secret where it refuses it", () => {
  const text = `name: f\nsource: pumps\nfrom: { kind: mqtt, url: "mqtt://u:hunter2@b", topics: [a] }\n`;
  let refused: unknown;
  try {
    parseFeed(text, "f.yaml");
  } catch (error) {
    refused = error;
  }
  expect(refused).toMatchObject({ code: "invalid_feed", locations: [{ line: 3, found: "(not shown)" }] });
  expect(String(refused)).not.toContain("hunter2");
});

it.each<[string, object]>([
  ["a reference in a URL", { ...query, url: "postgresql://reader:${env:AURA_FEED_X}@db:5432/x" }],
  ["a file of secrets", { ...mqtt, url: "mqtts://u@b:8883", password: "${file:broker}" }],
  [
    "a header of which a part is a reference",
    { kind: "http", url: "https://x.example/a?b=c", headers: { authorization: "Bearer ${env:AURA_FEED_T}" } },
  ],
])("takes %s", (_, from) => expect(feed(from).error).toBeUndefined());

it.each(["$topic", "$topic.0", "$secret", ""])("refuses the place '%s'", (asset) => {
  expect(feed({ ...mqtt, url: "mqtt://b" }, { asset }).success).toBe(false);
});

it("keeps a position only where it means the same", () => {
  const origin = (more: object) =>
    feedSchema.parse({ name: "f", source: "pumps", from: { ...query, url: "postgresql://db/x", ...more } })
      .from;
  const other = {
    kind: "folder",
    path: "x",
    files: "*",
    format: "auto",
    settle: "2s",
    done: "leave",
    every: "1s",
  } as FeedOrigin;
  expect(keepsPosition(origin({}), origin({ every: "1m", rows: 7 }))).toBe(true);
  expect(keepsPosition(origin({}), origin({ column: "at" }))).toBe(false);
  expect(keepsPosition(origin({}), other)).toBe(false);
});
