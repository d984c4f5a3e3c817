/** What the synthetic fleet is like. Every rate and magnitude can be set; the defaults are the demo's. */
export interface FleetOptions {
  /** Same seed and options, same bytes. */
  readonly seed: number | string;
  /** 1 … 100,000. */
  readonly assets: number;
  readonly days: number;
  readonly intervalMinutes: number;
  /** Time of the first reading, ISO 8601 in UTC. */
  readonly start: string;
  /** Mean days of service until a failure; degradation begins `degradationDays` before it. */
  readonly meanDaysToFailure: number;
  /** Shortest and longest degradation. */
  readonly degradationDays: readonly [number, number];
  /** Strength of the degradation's effect on temperature and reactive power; 1 is the demo's. */
  readonly degradationMagnitude: number;
  /** Faults of sensors, per 1,000 readings of an asset. */
  readonly spikesPerThousand: number;
  /** Spike height as a share of the sensor's usual value. */
  readonly spikeMagnitude: number;
  readonly stuckPerThousand: number;
  readonly missingPerThousand: number;
  /** Longest run of readings that are stuck at zero or missing. */
  readonly longestFault: number;
  /** Sensors that faults strike. */
  readonly faultySensors: readonly SensorName[];
  /** Share of the days that an asset runs in a second regime (back-feed: more load, lower voltage). */
  readonly secondRegimeShare: number;
  /** Day from which the whole fleet is shifted (new consumers, hotter rooms); absent: never. */
  readonly shiftAtDay?: number;
  /** Load factor and degrees of the shift; 1 is +25 % load and +8 °C. */
  readonly shiftMagnitude: number;
  /** Day on which the whole fleet gets forced cooling and capacitor banks (see substation.ts); absent: never. */
  readonly refitAtDay?: number;
}

export const SENSORS = [
  "voltage",
  "current",
  "temperature",
  "active_power",
  "reactive_power",
  "ambient",
] as const;
export type SensorName = (typeof SENSORS)[number];

export const DEFAULT_FLEET: FleetOptions = {
  seed: 7,
  assets: 40,
  days: 30,
  intervalMinutes: 60,
  start: "2024-01-01T00:00:00Z",
  meanDaysToFailure: 24,
  degradationDays: [8, 14],
  degradationMagnitude: 1,
  spikesPerThousand: 2,
  spikeMagnitude: 0.6,
  stuckPerThousand: 1,
  missingPerThousand: 2,
  longestFault: 8,
  faultySensors: SENSORS,
  secondRegimeShare: 0,
  shiftMagnitude: 1,
};

/**
 * Fills in defaults and checks ranges.
 *
 * @throws {RangeError} naming the option, its range and the value
 */
export function fleetOptions(given: Partial<FleetOptions>): FleetOptions {
  const options = { ...DEFAULT_FLEET, ...given };
  const within = (name: keyof FleetOptions, lo: number, hi: number): void => {
    const value = options[name];
    if (value === undefined) return;
    if (typeof value !== "number" || !(value >= lo && value <= hi)) {
      throw new RangeError(`fleet ${name} must be ${lo} to ${hi}, got ${String(value)}`);
    }
  };
  within("assets", 1, 100_000);
  within("days", 1, 36_500);
  within("intervalMinutes", 1 / 60, 1_440);
  within("meanDaysToFailure", 0.1, 1e6);
  within("degradationMagnitude", 0, 10);
  within("spikesPerThousand", 0, 1_000);
  within("spikeMagnitude", 0, 100);
  within("stuckPerThousand", 0, 1_000);
  within("missingPerThousand", 0, 1_000);
  within("longestFault", 1, 10_000);
  within("secondRegimeShare", 0, 1);
  within("shiftAtDay", 0, 36_500);
  within("shiftMagnitude", -10, 10);
  within("refitAtDay", 0, 36_500);
  if (!Number.isInteger(options.assets)) {
    throw new RangeError(`fleet assets must be a whole number, got ${options.assets}`);
  }
  const [shortest, longest] = options.degradationDays;
  if (!(shortest > 0 && shortest <= longest)) {
    throw new RangeError(
      `fleet degradationDays must be [shortest, longest] above 0, got ${shortest}, ${longest}`,
    );
  }
  if (Number.isNaN(Date.parse(options.start))) {
    throw new RangeError(`fleet start must be a time in ISO 8601, got ${options.start}`);
  }
  return options;
}
