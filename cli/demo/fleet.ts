import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PredictAsset } from "../../schemas/serving/prediction.ts";
import { generateFleet, SENSORS } from "../../sources/synthetic/fleet.ts";
import type { FleetOptions } from "../../sources/synthetic/fleet.ts";

/** A value of a reading as /predict takes it. */
type Cell = string | number | null;
type Row = Readonly<Record<string, Cell>>;

/** The demo's fleet on disk, and its rows by asset as /predict takes them. */
export interface DemoFleet {
  readonly folder: string;
  readonly assets: readonly string[];
  /** The last `nReadings` of an asset before `until` (its end by default), with what else is known of it. */
  requestOf(asset: string, nReadings: number, until?: number): PredictAsset;
  readingsOf(asset: string): number;
}

const NUMBERS: ReadonlySet<string> = new Set([...SENSORS, "age_years"]);

/** Writes the synthetic substations; the same options give the same bytes, so a second start is the same run. */
export async function makeFleet(folder: string, options: Partial<FleetOptions> = {}): Promise<DemoFleet> {
  const { files } = await generateFleet(options, folder);
  const readings = byAsset(readCsv(files.readings));
  const events = byAsset(readCsv(files.events));
  const attributes = byAsset(readCsv(files.attributes));
  return {
    folder,
    assets: [...readings.keys()],
    readingsOf: (asset) => readings.get(asset)?.length ?? 0,
    requestOf: (asset, nReadings, until = Number.POSITIVE_INFINITY) => {
      const known = readings.get(asset)?.slice(0, until).slice(-nReadings) ?? [];
      const last = String(known.at(-1)?.["t"] ?? "");
      return {
        asset,
        readings: [...known],
        attributes: attributes.get(asset)?.[0] ?? {},
        // ISO times of one form compare as text.
        events: (events.get(asset) ?? []).filter((event) => String(event["t"]) <= last),
      };
    },
  };
}

/** Where the demo keeps its files. */
export function demoFolder(stateDir: string): string {
  return join(stateDir, "demo");
}

/** The generator's own CSV: no quotes, no commas within cells. */
function readCsv(path: string): readonly Row[] {
  const [header = "", ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const names = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, i) => [name === "time" ? "t" : name, cellOf(name, cells[i])]));
  });
}

function cellOf(name: string, text: string | undefined): Cell {
  if (text === undefined || text === "") return null;
  return NUMBERS.has(name) ? Number(text) : text;
}

/** Rows of each asset in file order, without the asset itself. */
function byAsset(rows: readonly Row[]): ReadonlyMap<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const { asset, ...row } of rows) {
    const id = String(asset);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [row]);
    else group.push(row);
  }
  return groups;
}
