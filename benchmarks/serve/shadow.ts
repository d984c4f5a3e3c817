import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { SERVED_MODEL } from "./fleet-table.ts";
import type { ServingPlatform } from "./platform.ts";

const startedSchema = z.object({ rolloutId: z.string() });
const statusSchema = z.object({
  state: z.string(),
  counted: z.object({ pairs: z.int(), candidate: z.object({ requests: z.int() }) }),
});
const championSchema = z.object({ version: z.int() });

export interface RunningShadow {
  /** Ends it. @returns rows that both versions answered */
  end(): Promise<number>;
}

/** The two versions of the benchmark differ on purpose: no guard may end what is measured. */
const UNGUARDED = {
  shadow: { bake: "1h" },
  guards: {
    errorRate: false,
    nonFinite: false,
    latency: false,
    scoreShift: false,
    disagreement: false,
    quality: false,
  },
};

/** Its children start when the machine has time for them. */
const PATIENCE_MS = 60_000;

/**
 * Brings a version that is not the champion into shadow, and waits until it is scored.
 *
 * @param body of a prediction
 */
export async function startShadow({ port, versions }: ServingPlatform, body: string): Promise<RunningShadow> {
  const base = `http://127.0.0.1:${port}`;
  const ask = async <T>(path: string, schema: z.ZodType<T>, sent?: object): Promise<T> => {
    const init =
      sent === undefined
        ? {}
        : {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(sent),
          };
    const response = await fetch(`${base}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} [HTTP ${response.status}]: ${text}`);
    return schema.parse(JSON.parse(text));
  };
  const champion = await ask(`/v1/models/${SERVED_MODEL}/champion`, championSchema);
  const version = versions.find((one) => one !== champion.version);
  const asked = { version, rollout: UNGUARDED };
  const { rolloutId } = await ask(`/v1/models/${SERVED_MODEL}/rollouts`, startedSchema, asked);
  const stop = performance.now() + PATIENCE_MS;
  for (let pairs = 0; pairs === 0;) {
    if (performance.now() > stop) throw new Error(`${rolloutId}: nothing was compared in ${PATIENCE_MS} ms`);
    await ask(`/v1/models/${SERVED_MODEL}/predict`, z.unknown(), JSON.parse(body) as object);
    await setTimeout(500);
    // The workflow may take a moment to write the row.
    const found = await ask(`/v1/rollouts/${rolloutId}`, statusSchema).catch(() => undefined);
    pairs = found?.counted.pairs ?? 0;
  }
  return {
    async end() {
      // Counts are written each half second.
      await setTimeout(1_000);
      const { counted } = await ask(`/v1/rollouts/${rolloutId}`, statusSchema);
      await ask(`/v1/rollouts/${rolloutId}/abort`, statusSchema, { reason: "benchmark" });
      await setTimeout(1_000);
      return counted.pairs;
    },
  };
}
