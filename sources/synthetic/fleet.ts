import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fleetOptions, SENSORS } from "./options.ts";
import type { FleetOptions, SensorName } from "./options.ts";
import { simulateSubstation } from "./substation.ts";
import type { Reading } from "./substation.ts";

export { DEFAULT_FLEET, SENSORS } from "./options.ts";
export type { FleetOptions, SensorName } from "./options.ts";

export interface Fleet {
  readonly files: { readonly readings: string; readonly events: string; readonly attributes: string };
  readonly nAssets: number;
  readonly nReadings: number;
  readonly nFailures: number;
}

const DECIMALS: Readonly<Record<SensorName, number>> = {
  voltage: 3,
  current: 2,
  temperature: 2,
  active_power: 4,
  reactive_power: 4,
  ambient: 2,
};

/**
 * Writes a fleet of medium-voltage substations as `readings.csv`, `events.csv` and `attributes.csv`.
 *
 * Deterministic: equal options give equal bytes. Streaming: memory does not grow with the fleet. Existing files of
 * these names are replaced.
 *
 * @throws {RangeError} an option is out of range
 */
export async function generateFleet(given: Partial<FleetOptions>, dir: string): Promise<Fleet> {
  const options = fleetOptions(given);
  await mkdir(dir, { recursive: true });
  const files = {
    readings: join(dir, "readings.csv"),
    events: join(dir, "events.csv"),
    attributes: join(dir, "attributes.csv"),
  };
  const readings = createWriteStream(files.readings);
  let nReadings = 0;
  let nFailures = 0;
  let events = "asset,time,type,code\n";
  let attributes = "asset,model,site,age_years\n";
  await write(readings, `asset,time,${SENSORS.join(",")},mode\n`);
  for (let n = 0; n < options.assets; n++) {
    const station = simulateSubstation(options, n);
    let text = "";
    for (const reading of station.readings()) {
      text += `${station.asset},${line(reading)}\n`;
      nReadings++;
      if (text.length < 1 << 16) continue;
      await write(readings, text);
      text = "";
    }
    await write(readings, text);
    for (const event of station.events) {
      events += `${station.asset},${isoSeconds(event.ms)},${event.type},${event.code}\n`;
      if (event.type === "failure") nFailures++;
    }
    attributes += `${station.asset},${station.model},${station.site},${station.ageYears}\n`;
  }
  readings.end();
  await finished(readings);
  await writeWhole(files.events, events);
  await writeWhole(files.attributes, attributes);
  return { files, nAssets: options.assets, nReadings, nFailures };
}

function line(reading: Reading): string {
  const cells = SENSORS.map((s) => {
    const value = reading.values[s];
    return Number.isNaN(value) ? "" : value.toFixed(DECIMALS[s]);
  });
  return `${isoSeconds(reading.ms)},${cells.join(",")},${reading.mode}`;
}

function isoSeconds(ms: number): string {
  return new Date(Math.round(ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}

async function write(stream: WriteStream, text: string): Promise<void> {
  if (text !== "" && !stream.write(text)) await once(stream, "drain");
}

async function writeWhole(path: string, text: string): Promise<void> {
  const stream = createWriteStream(path);
  stream.end(text);
  await finished(stream);
}
