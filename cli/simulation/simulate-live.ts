import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { intakeReplySchema } from "../../schemas/live/intake.ts";
import { spanMs, spanSchema } from "../../schemas/live/source.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { FleetReading } from "../../sources/synthetic/live-fleet.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import { withApi } from "../connection.ts";
import type { CliContext } from "../context.ts";

/** What `aura simulate --source` is told. */
export interface LiveSimulation {
  readonly source: string;
  readonly assets: number;
  readonly seed: number;
  /** Readings a second. */
  readonly rate: number;
  /** Seconds of the fleet in one of ours. */
  readonly speed: number;
  readonly durationMs: number;
  readonly isJson: boolean;
}

/** Numbers and spans as the command line has them. */
export function liveSimulationOf(options: Readonly<Record<string, unknown>>, source: string): LiveSimulation {
  const duration = spanSchema.optional().safeParse(options["duration"]);
  if (!duration.success)
    throw new PlatformError("invalid_query", "--duration: expected a span such as 90s or 10m");
  return {
    source,
    assets: numberOf("assets", options["assets"], { fallback: 40, least: 1, most: 100_000 }),
    seed: numberOf("seed", options["seed"], { fallback: 7, least: 0, most: 2 ** 31 }),
    rate: numberOf("rate", options["rate"], { fallback: 100, least: 0.01, most: 1_000_000 }),
    speed: numberOf("speed", options["speed"], { fallback: 1, least: 0.001, most: 1_000_000 }),
    durationMs: duration.data === undefined ? Infinity : spanMs(duration.data),
    isJson: options["json"] === true,
  };
}

function numberOf(
  name: string,
  text: unknown,
  { fallback, least, most }: { readonly fallback: number; readonly least: number; readonly most: number },
): number {
  const value = text === undefined ? fallback : Number(text);
  if (value >= least && value <= most && String(text).trim() !== "") return value;
  throw new PlatformError(
    "invalid_query",
    `--${name}: expected ${least} to ${most}, found '${String(text)}'`,
  );
}

const BATCH = 500;
/** Requests at once: while one commits the next is on its way. */
const MOST_REQUESTS = 4;
const BUSY_PAUSE_MS = 1_000;
const SHOW_EVERY_MS = 1_000;
const DAY_MS = 86_400_000;
/** Faster than time begins so far back, and goes on in real time once it has come to now. */
const LOOK_BACK_MS = 30 * DAY_MS;
const MOST_DAYS = 366;

/** Sends readings of a synthetic fleet to a live source as they become due, no faster than they are stored. */
export async function simulateLive(context: CliContext, simulation: LiveSimulation): Promise<void> {
  const { liveFleetReadings, FLEET_COLUMNS } = await import("../../sources/synthetic/live-fleet.ts");
  await withApi(context, { start: "always" }, async ({ client, signal }) => {
    await declareIfMissing(client, simulation.source, FLEET_COLUMNS);
    const { assets, rate, speed, seed, durationMs } = simulation;
    const beganAt = Date.now();
    const startMs = speed > 1 ? beganAt - Math.min(LOOK_BACK_MS, durationMs * (speed - 1)) : beganAt;
    const readings = liveFleetReadings({
      assets,
      seed,
      intervalMs: Math.max(1, Math.round((assets / rate) * speed * 1_000)),
      startMs,
      days: Math.min(MOST_DAYS, Math.ceil((Math.min(durationMs, MOST_DAYS * DAY_MS) * speed) / DAY_MS) + 1),
    });
    const sending = new Sending({ client, source: simulation.source, signal, context });
    for (const batch of dueBatches(readings, { beganAt, startMs, speed, durationMs })) {
      if (signal.aborted) break;
      await pauseUntil(batch.dueAt, signal);
      await sending.send(batch);
    }
    await sending.finish();
    const { sent, stored } = sending;
    const seconds = (Date.now() - beganAt) / 1_000;
    if (simulation.isJson) context.output.json({ source: simulation.source, sent, stored, seconds });
    else context.output.line(`${sent} readings sent in ${seconds.toFixed(1)} s, ${stored} stored`);
  });
}

const declaredSchema = z.looseObject({
  document: z.looseObject({ columns: z.array(z.looseObject({ name: z.string() })) }),
});

async function declareIfMissing(
  client: ApiClient,
  source: string,
  columns: readonly { readonly name: string }[],
): Promise<void> {
  const path = apiPath`/v1/sources/${source}`;
  const known = await client.find(path, declaredSchema);
  if (known !== null) {
    const names = new Set(known.document.columns.map(({ name }) => name));
    const missing = columns.filter(({ name }) => !names.has(name)).map(({ name }) => name);
    if (missing.length === 0) return;
    // Made-up readings in a source of real ones would be letters by the thousand, or worse, be believed.
    throw new PlatformError(
      "conflict",
      `simulate [source ${source}]: it has no column ${missing.slice(0, 5).join(", ")}; name a source that is not there yet, and it is declared`,
    );
  }
  const body = {
    name: source,
    owner: "simulation",
    description: "A synthetic fleet of substations",
    columns,
  };
  await client.put(path, { reply: z.looseObject({}), body });
}

interface DueBatch {
  /** ms since 1970. */
  readonly dueAt: number;
  readonly readings: readonly FleetReading["reading"][];
}

interface Course {
  readonly beganAt: number;
  readonly startMs: number;
  readonly speed: number;
  readonly durationMs: number;
}

/** Readings that are due within a short while together; after the present nothing is sent before its time. */
function* dueBatches(readings: Iterable<FleetReading>, course: Course): Generator<DueBatch> {
  const { beganAt, startMs, speed, durationMs } = course;
  let batch: FleetReading["reading"][] = [];
  let firstDueAt = 0;
  for (const { ms, reading } of readings) {
    const dueAt = Math.max(beganAt + (ms - startMs) / speed, speed > 1 ? ms : 0);
    if (dueAt - beganAt >= durationMs) break;
    if (batch.length > 0 && (batch.length >= BATCH || dueAt - firstDueAt >= 100)) {
      yield { dueAt, readings: batch };
      batch = [];
    }
    if (batch.length === 0) firstDueAt = dueAt;
    batch.push(reading);
  }
  if (batch.length > 0) yield { dueAt: firstDueAt, readings: batch };
}

async function pauseUntil(at: number, signal: AbortSignal): Promise<void> {
  const ms = at - Date.now();
  if (ms > 0) await wait(ms, undefined, { signal }).catch(() => undefined);
}

interface SendingOptions {
  readonly client: ApiClient;
  readonly source: string;
  readonly signal: AbortSignal;
  readonly context: CliContext;
}

/** Requests that are under way, and the line that tells of them. */
class Sending {
  readonly #options: SendingOptions;
  readonly #requests = new Set<Promise<void>>();
  readonly #beganAt = performance.now();
  #shownAt = 0;
  #failure: unknown;
  sent = 0;
  stored = 0;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** Waits while as many requests as there may be are under way: that is the back-pressure. */
  async send(batch: DueBatch): Promise<void> {
    while (this.#requests.size >= MOST_REQUESTS) await Promise.race(this.#requests);
    if (this.#failure !== undefined) throw this.#failure;
    const request = this.#post(batch)
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted) this.#failure ??= error;
      })
      .finally(() => this.#requests.delete(request));
    this.#requests.add(request);
  }

  async finish(): Promise<void> {
    await Promise.all(this.#requests);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #post({ readings, dueAt }: DueBatch): Promise<void> {
    const { client, source, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const reply = await client.post("/v1/readings", {
          reply: intakeReplySchema,
          body: { source, readings },
        });
        this.sent += readings.length;
        this.stored += reply.stored;
        this.#show(Math.max(0, Date.now() - dueAt));
        return;
      } catch (error) {
        // No room now, or the API starts anew: what was sent before is known by its key.
        const isPassing =
          error instanceof PlatformError &&
          (error.code === "too_many_readings" || error.code === "api_unavailable" || error.isRetryable);
        if (!isPassing) throw error;
        await wait(BUSY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #show(lagMs: number): void {
    const now = performance.now();
    if (now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    const rate = Math.round(this.sent / ((now - this.#beganAt) / 1_000));
    this.#options.context.output.progress(
      `${this.sent} readings sent, ${rate}/s, ${this.stored} stored, ${(lagMs / 1_000).toFixed(1)} s behind`,
    );
  }
}
