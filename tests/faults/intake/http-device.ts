import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger, SentReading } from "./ledger.ts";
import { readingBody } from "./reading-series.ts";
import type { ReadingSeries } from "./reading-series.ts";

export interface HttpDeviceOptions {
  readonly apiUrl: string;
  readonly source: string;
  readonly series: ReadingSeries;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

const BATCH = 40;
const REQUEST_MS = 10_000;
const AGAIN_MS = 50;

/** Sends batch after batch; one that was not acknowledged is sent again until it is, as a device with a buffer does. */
export async function runHttpDevice(options: HttpDeviceOptions): Promise<void> {
  const { series, ledger, signal } = options;
  while (!signal.aborted) {
    const readings = series.take(BATCH);
    ledger.sent(readings.length);
    while (!(await isAcknowledged(options, readings))) {
      // What the last batch came to is open: it was never acknowledged, so nothing was promised.
      if (signal.aborted) return;
      await sleep(AGAIN_MS);
    }
    ledger.acknowledged("http", readings);
    await sleep(AGAIN_MS);
  }
}

async function isAcknowledged(
  { apiUrl, source }: HttpDeviceOptions,
  readings: readonly SentReading[],
): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl}/readings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source, readings: readings.map(readingBody) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
