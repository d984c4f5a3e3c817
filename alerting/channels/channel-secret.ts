import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CHANNEL_SECRET } from "../../schemas/alerts/alert-channel.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** Where references to secrets lead. */
export interface SecretPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of files with one secret each. */
  readonly folder: string;
}

/**
 * What a reference stands for; text that is none stands for itself.
 *
 * @throws {PlatformError} invalid_alert_rule: a variable that is not set, or a file that is not there
 */
export async function channelSecret(text: string, { environment, folder }: SecretPlaces): Promise<string> {
  const reference = CHANNEL_SECRET.exec(text)?.[1];
  if (reference === undefined) return text;
  const [kind, name = ""] = reference.split(":", 2);
  const found =
    kind === "env" ? environment[name] : await readFile(join(folder, name), "utf8").catch(() => undefined);
  const secret = found?.trim();
  if (secret !== undefined && secret !== "") return secret;
  const what = kind === "env" ? "the variable is not set" : "there is no such file in AURA_FEED_SECRETS";
  throw new PlatformError("invalid_alert_rule", `open channel [\${${reference}}]: ${what}`);
}
