import { createClient } from "@redis/client";
import { z } from "zod";
import { onlineFeaturesSchema, onlineRowSchema } from "../../schemas/live/online-features.ts";

const cachedFeaturesSchema = z.strictObject({
  /** ms since 1970. */
  cachedAt: z.number(),
  features: onlineFeaturesSchema,
  row: onlineRowSchema,
});

/** Features of an asset as a scorer last had them. */
export type CachedFeatures = z.infer<typeof cachedFeaturesSchema>;

/**
 * The latest features of assets outside the scorers' memory, for the time in which no scorer answers.
 *
 * It may lose anything at any time: every failure is a miss, told to `onFailure`. An entry ends with the features' time to live.
 */
export interface FeatureCache {
  get(model: string, asset: string): Promise<CachedFeatures | undefined>;
  put(entries: readonly CachedFeatures[]): Promise<void>;
  close(): Promise<void>;
}

/** Longest wait between two attempts to reach the server, in ms. */
const MOST_BACKOFF_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 500;

const keyOf = (model: string, asset: string): string => `aura:features:${model}:${asset}`;

/** Connects in the background, and again whenever the connection is lost. */
export function openRedisFeatureCache(url: string, onFailure: (error: unknown) => void): FeatureCache {
  const client = createClient({
    url,
    // While it is away questions fail at once: nobody waits for a cache.
    disableOfflineQueue: true,
    commandOptions: { timeout: ANSWER_TIMEOUT_MS },
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (attempt: number) => Math.min(MOST_BACKOFF_MS, 50 * 2 ** Math.min(attempt, 10)),
    },
  });
  client.on("error", onFailure);
  // A first attempt that fails is tried again by the strategy; its error was told.
  client.connect().catch(() => undefined);
  return {
    async get(model, asset) {
      if (!client.isReady) return undefined;
      try {
        const text = await client.get(keyOf(model, asset));
        // What others may write is checked like what a client sends.
        return text === null ? undefined : cachedFeaturesSchema.parse(JSON.parse(text));
      } catch (error) {
        onFailure(error);
        return undefined;
      }
    },
    async put(entries) {
      if (!client.isReady) return;
      try {
        const writes = client.multi();
        for (const entry of entries) {
          const { model, asset, ttlSeconds } = entry.features;
          const EX = Math.max(1, Math.ceil(ttlSeconds));
          writes.set(keyOf(model, asset), JSON.stringify(entry), { expiration: { type: "EX", value: EX } });
        }
        await writes.execAsPipeline();
      } catch (error) {
        onFailure(error);
      }
    },
    async close() {
      if (client.isOpen) client.destroy();
    },
  };
}
