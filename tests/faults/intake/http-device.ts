import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger, SentReading } from "./ledger.ts";

export interface DeviceOptions {
  readonly apiUrl: string;
  readonly source: string;
  readonly asset: string;
  readonly batch: number;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

const REQUEST_MS = 10_000;
const AGAIN_MS = 50;

/** Sends batch after batch; one that was not acknowledged is sent again until it is, as a device with a buffer does. */
export async function runDevice(options: DeviceOptions): Promise<void> {
  const { asset, batch, ledger, signal } = options;
  let at = Date.UTC(2026, 5, 30, 23, 0, 0);
  for (let n = 0; !signal.aborted; n++) {
    const readings = Array.from({ length: batch }, (_, i): SentReading => {
      at += 1_000;
      return { asset, time: new Date(at).toISOString(), value: n * batch + i };
    });
    ledger.sent(readings);
    while (!(await isAcknowledged(options, readings))) {
      // What the last batch came to is open: it was never acknowledged, so nothing was promised.
      if (signal.aborted) return;
      await sleep(AGAIN_MS);
    }
    ledger.acknowledged(readings);
  }
}

async function isAcknowledged(
  { apiUrl, source }: DeviceOptions,
  readings: readonly SentReading[],
): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl}/readings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        source,
        readings: readings.map(({ asset, time, value }) => ({ asset, time, values: { value } })),
      }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
