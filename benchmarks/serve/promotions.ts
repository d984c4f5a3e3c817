import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { HttpAnswer } from "../load/http-connection.ts";
import { runOpenLoop } from "../load/open-loop.ts";
import type { LoadResult } from "../load/load-result.ts";
import { residentBytesOfTree } from "../child.ts";
import { SERVED_MODEL } from "./fleet-table.ts";
import type { ServingPlatform } from "./platform.ts";

const replySchema = z.object({
  predictions: z.array(z.object({ probability: z.number() })).length(1),
  version: z.int(),
  digest: z.string(),
});

/** A swap: the new version is fetched, loaded and warmed beside the old one, and takes over; then its children alone are there. */
const SWAP_MS = 1_500;
/** From one promotion to the next: as long again without a swap. */
const BETWEEN_MS = 3_000;

/** Of load before memory is looked at for the first time. */
const WARM_SECONDS = 10;

export interface PromotionsResult {
  readonly load: LoadResult;
  readonly promotions: number;
  /** Versions that were seen answering. */
  readonly versionsSeen: number;
  /** Latencies of requests that were due within a swap, and of the others, ascending, in ms. */
  readonly swap: Float64Array;
  readonly steady: Float64Array;
  /** Resident bytes of the API and its inference children; undefined without /proc. */
  readonly memory: { readonly before: number; readonly after: number } | undefined;
}

/**
 * Moves the champion to and fro between two versions while requests come in at a fixed rate.
 *
 * An answer is mixed when its number is not the one that the version it names gives for that row: each pair
 * of version and row is learnt from its first answer, and must then never differ.
 */
export async function runPromotions(
  platform: ServingPlatform,
  requests: readonly Buffer[],
  plan: { readonly promotions: number; readonly rate: number; readonly apiPid: number | undefined },
): Promise<PromotionsResult> {
  const known = new Map<string, number>();
  const digests = new Map<number, string>();
  const check = (answer: HttpAnswer, index: number): string | undefined => {
    const reply = replySchema.parse(JSON.parse(answer.body.toString("utf8")));
    const digest = digests.get(reply.version) ?? reply.digest;
    digests.set(reply.version, digest);
    if (digest !== reply.digest) return `version ${reply.version} answered with two digests`;
    const key = `${reply.version}/${index}`;
    const probability = reply.predictions[0]?.probability ?? Number.NaN;
    const expected = known.get(key) ?? probability;
    known.set(key, expected);
    return expected === probability
      ? undefined
      : `row ${index} of version ${reply.version}: expected ${expected}, got ${probability}`;
  };
  // Memory is compared under the same load and after each version has come to serve once: what a young process takes for the first
  // time (code, buffers, heap) is no growth. Promotions after that must leave it as it is.
  const swaps = new SwapWindows();
  const onAnswer = (at: number, ms: number): void => swaps.answered(at, ms);
  const loaded = { port: platform.port, rate: plan.rate, connections: 32, requests, check };
  const [warm] = await Promise.all([
    runOpenLoop({ ...loaded, seconds: WARM_SECONDS }),
    promoteInTurn(platform, platform.versions.length, () => undefined),
  ]);
  await setTimeout(3_000);
  const before = plan.apiPid === undefined ? undefined : residentBytesOfTree(plan.apiPid);
  const ended = new AbortController();
  const promoting = promoteInTurn(platform, plan.promotions, () => swaps.begin()).finally(() =>
    ended.abort(),
  );
  // Errors surface below; without this an early one would be unhandled while the load runs.
  promoting.catch(() => undefined);
  const loads: LoadResult[] = [warm];
  while (!ended.signal.aborted) loads.push(await runOpenLoop({ ...loaded, onAnswer, seconds: 2 }));
  await promoting;
  // Children of the last version drain and end; only then is memory what stays.
  await setTimeout(3_000);
  const after = plan.apiPid === undefined ? undefined : residentBytesOfTree(plan.apiPid);
  return {
    load: joined(loads),
    promotions: plan.promotions,
    versionsSeen: digests.size,
    ...swaps.latencies(),
    memory: before === undefined || after === undefined ? undefined : { before, after },
  };
}

/**
 * Makes each of two versions champion in turn. A rollback is the promotion that needs no new approval: both versions
 * have been approved and champion before. The reply comes when the alias has moved; the API follows by itself.
 */
async function promoteInTurn(
  platform: ServingPlatform,
  promotions: number,
  onPromotion: () => void,
): Promise<void> {
  for (let index = 0; index < promotions; index += 1) {
    const version = platform.versions[index % platform.versions.length];
    onPromotion();
    const response = await fetch(`http://127.0.0.1:${platform.port}/v1/models/${SERVED_MODEL}/rollback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ version, reason: `benchmark, promotion ${index + 1}` }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`promotion ${index + 1} [HTTP ${response.status}]: ${text}`);
    // Long enough for the swap to happen, for both sides of it to be asked, and for a time without one.
    await setTimeout(BETWEEN_MS);
  }
}

/** Answers by whether their request was due within a swap. */
class SwapWindows {
  readonly #begun: number[] = [];
  readonly #answers: { readonly at: number; readonly ms: number }[] = [];

  begin(): void {
    this.#begun.push(performance.now());
  }

  answered(at: number, ms: number): void {
    this.#answers.push({ at, ms });
  }

  latencies(): { readonly swap: Float64Array; readonly steady: Float64Array } {
    const isSwap = (at: number): boolean => this.#begun.some((begun) => at >= begun && at < begun + SWAP_MS);
    const of = (wanted: boolean): Float64Array =>
      Float64Array.from(this.#answers.filter(({ at }) => isSwap(at) === wanted).map(({ ms }) => ms)).sort();
    return { swap: of(true), steady: of(false) };
  }
}

function joined(loads: readonly LoadResult[]): LoadResult {
  const sum = (pick: (load: LoadResult) => number): number =>
    loads.reduce((total, load) => total + pick(load), 0);
  return {
    answered: sum((load) => load.answered),
    failed: sum((load) => load.failed),
    reasons: loads.flatMap((load) => load.reasons).slice(0, 5),
    seconds: sum((load) => load.seconds),
    latenciesMs: Float64Array.from(loads.flatMap((load) => [...load.latenciesMs])).sort(),
  };
}
