import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SECRET_REFERENCE } from "../../schemas/live/feed-origin.ts";
import type { FeedOrigin } from "../../schemas/live/feed-origin.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** Where references to secrets lead. */
export interface SecretPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of files with one secret each. */
  readonly folder: string;
}

/** An origin with its secrets in place, and a way to tell of errors without them. */
export interface OpenedOrigin {
  readonly origin: FeedOrigin;
  readonly hide: (text: string) => string;
}

const EVERY_REFERENCE = new RegExp(SECRET_REFERENCE.source, "g");

/**
 * Puts secrets in place of their references. In a URL they are escaped.
 *
 * @throws {PlatformError} invalid_feed: a variable that is not set, or a file that is not there
 */
export async function openSecrets(origin: FeedOrigin, places: SecretPlaces): Promise<OpenedOrigin> {
  const secrets = new Map<string, string>();
  for (const [, reference = ""] of JSON.stringify(origin).matchAll(EVERY_REFERENCE))
    if (!secrets.has(reference)) secrets.set(reference, await secretOf(reference, places));
  const fill = (value: unknown, isUrl: boolean): unknown => {
    if (typeof value === "string")
      return value.replaceAll(EVERY_REFERENCE, (_, reference: string) => {
        const secret = secrets.get(reference) ?? "";
        return isUrl ? encodeURIComponent(secret) : secret;
      });
    if (Array.isArray(value)) return value.map((one) => fill(one, false));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, fill(one, name === "url" || name === "endpoint")]),
    );
  };
  const hidden = [...secrets.values()].flatMap((secret) => [secret, encodeURIComponent(secret)]);
  return {
    origin: fill(origin, false) as FeedOrigin,
    hide: (text) => hidden.reduce((shown, secret) => shown.replaceAll(secret, "***"), text),
  };
}

async function secretOf(reference: string, { environment, folder }: SecretPlaces): Promise<string> {
  const [kind, name = ""] = reference.split(":", 2);
  const text =
    kind === "env" ? environment[name] : await readFile(join(folder, name), "utf8").catch(() => undefined);
  const secret = text?.trim();
  if (secret !== undefined && secret !== "") return secret;
  const what = kind === "env" ? "the variable is not set" : "there is no such file in AURA_FEED_SECRETS";
  throw new PlatformError("invalid_feed", `open feed [\${${reference}}]: ${what}`);
}
