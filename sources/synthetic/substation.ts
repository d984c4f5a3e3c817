/**
 * One medium-voltage substation, hour by hour.
 *
 * load      daily double peak × weekly cycle × slow noise (AR(1))
 * apparent  S = rated · load;   P = S · pf;   Q = S · √(1 − pf²) · (1 + 0.25 d)
 * voltage   U = 20.3 kV − 0.5 · load + noise;   current I = √(P² + Q²) / (√3 · U)
 * top oil   T → ambient + (8 + 42 · load^1.6) · (1 + 0.9 d) + 10 d   with a time constant of 3 h
 *
 * d is the degradation: 0 in health, then ((t − begin) / (failure − begin))² up to 1, where the unit fails. It shows as
 * a temperature that the load does not explain and as reactive power: neither shows in a single threshold, both show
 * beside load and ambient. After a failure the unit is out for a day or two, is repaired and starts healthy.
 *
 * A refit of the fleet adds fans and capacitor banks to every unit: the rise of the oil is 0.6 of what it was (forced air
 * raises what a transformer may carry by about a third, and losses go with the square), and the banks take off as much
 * reactive power as brings a healthy unit's power factor from 0.95 to 0.99. Wear adds to both as before, so that a worn
 * unit then looks as a healthy one did.
 */
import { createGenerator } from "../../numerics/random/generator.ts";
import type { Generator } from "../../numerics/random/generator.ts";
import { SENSORS } from "./options.ts";
import type { FleetOptions, SensorName } from "./options.ts";

/** A reading: time in ms since 1970 and one value per sensor, NaN = missing. */
export interface Reading {
  readonly ms: number;
  readonly values: Readonly<Record<SensorName, number>>;
  readonly mode: "normal" | "backfeed";
}

export interface SubstationEvent {
  readonly ms: number;
  readonly type: "failure" | "repair" | "inspection";
  readonly code: string;
}

export interface Substation {
  readonly asset: string;
  readonly model: string;
  readonly site: string;
  readonly ageYears: number;
  readonly events: readonly SubstationEvent[];
  /** The readings in time order, made anew at each call. */
  readings(): Iterable<Reading>;
}

interface Failure {
  readonly beginMs: number;
  readonly failMs: number;
  readonly backMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MODELS = [
  { name: "TX-630", ratedMva: 6.3 },
  { name: "TX-1000", ratedMva: 10 },
  { name: "TX-1600", ratedMva: 16 },
] as const;
const SITES = ["north", "south", "east", "west"] as const;
const FAULT_CODES = ["winding", "bushing", "cooling", "tap-changer"] as const;

/** The n-th substation of a fleet; depends on seed, options and n alone. */
export function simulateSubstation(options: FleetOptions, n: number): Substation {
  const random = createGenerator(options.seed).fork(`asset/${n}`);
  const traits = random.fork("traits");
  const model = MODELS[traits.integer(MODELS.length)] ?? MODELS[0];
  const site = SITES[traits.integer(SITES.length)] ?? SITES[0];
  const ageYears = Math.round(2 + 33 * traits.next());
  const baseLoad = 0.5 + 0.25 * traits.next();
  const failures = planFailures(options, random.fork("failures"), ageYears);
  return {
    asset: `SUB-${String(n + 1).padStart(4, "0")}`,
    model: model.name,
    site,
    ageYears,
    events: eventsOf(options, random.fork("events"), failures),
    readings: () => readingsOf({ options, random, failures, ratedMva: model.ratedMva, baseLoad }),
  };
}

/** Service lives until the end of the period; older units fail sooner. */
function planFailures(options: FleetOptions, random: Generator, ageYears: number): Failure[] {
  const startMs = Date.parse(options.start);
  const endMs = startMs + options.days * DAY_MS;
  const [shortest, longest] = options.degradationDays;
  const mean = options.meanDaysToFailure * (1.4 - ageYears / 40);
  const failures: Failure[] = [];
  // Units do not start new: the first life has partly passed.
  let from = startMs;
  for (;;) {
    const degradation = (shortest + (longest - shortest) * random.next()) * DAY_MS;
    const healthy = -Math.log(1 - random.next()) * mean * DAY_MS * 0.6;
    const failMs = Math.round(from + healthy + degradation);
    const backMs = failMs + Math.round((12 + 36 * random.next()) * HOUR_MS);
    if (failMs - degradation >= endMs) return failures;
    failures.push({ beginMs: failMs - degradation, failMs, backMs });
    from = backMs;
  }
}

function eventsOf(options: FleetOptions, random: Generator, failures: readonly Failure[]): SubstationEvent[] {
  const startMs = Date.parse(options.start);
  const endMs = startMs + options.days * DAY_MS;
  const events: SubstationEvent[] = [];
  for (const { failMs, backMs } of failures) {
    const code = FAULT_CODES[random.integer(FAULT_CODES.length)] ?? "winding";
    if (failMs < endMs) events.push({ ms: failMs, type: "failure", code });
    if (backMs < endMs) events.push({ ms: backMs, type: "repair", code });
  }
  for (let day = random.next() * 28; day < options.days; day += 28) {
    events.push({ ms: startMs + Math.round(day * DAY_MS), type: "inspection", code: "planned" });
  }
  return events.sort((a, b) => a.ms - b.ms);
}

interface Course {
  readonly options: FleetOptions;
  readonly random: Generator;
  readonly failures: readonly Failure[];
  readonly ratedMva: number;
  readonly baseLoad: number;
}

function* readingsOf(course: Course): Iterable<Reading> {
  const { options, failures } = course;
  const noise = course.random.fork("noise");
  const faults = new SensorFaults(options, course.random.fork("faults"));
  const regimes = course.random.fork("regimes");
  const startMs = Date.parse(options.start);
  const stepMs = Math.round(options.intervalMinutes * 60_000);
  const nReadings = Math.floor((options.days * DAY_MS) / stepMs);
  const keep = Math.exp(-stepMs / (3 * HOUR_MS));
  let slow = 0;
  let weather = 0;
  let oil = Number.NaN;
  let regimeDay = -1;
  let isBackfeed = false;
  for (let i = 0; i < nReadings; i++) {
    const ms = startMs + i * stepMs;
    const day = Math.floor((ms - startMs) / DAY_MS);
    if (day !== regimeDay) {
      regimeDay = day;
      isBackfeed = regimes.next() < options.secondRegimeShare;
    }
    slow = 0.95 * slow + 0.02 * noise.normal();
    weather = 0.97 * weather + 0.5 * noise.normal();
    const state = stateAt(course, { ms, slow, weather, isBackfeed });
    oil = Number.isNaN(oil) ? state.oilTarget : keep * oil + (1 - keep) * state.oilTarget;
    const values = measure(state, oil, noise);
    const isOut = failures.some((f) => ms >= f.failMs && ms < f.backMs);
    const seen = faults.apply(values);
    if (!isOut) yield { ms, values: seen, mode: isBackfeed ? "backfeed" : "normal" };
  }
}

interface Moment {
  readonly ms: number;
  readonly slow: number;
  readonly weather: number;
  readonly isBackfeed: boolean;
}

interface State {
  readonly load: number;
  readonly ambient: number;
  readonly oilTarget: number;
  readonly activeMw: number;
  readonly reactiveMvar: number;
  readonly isBackfeed: boolean;
}

function stateAt(course: Course, moment: Moment): State {
  const { options, ratedMva, baseLoad } = course;
  const hour = (moment.ms % DAY_MS) / HOUR_MS;
  const weekday = Math.floor(moment.ms / DAY_MS + 4) % 7; // 1970-01-01 was a Thursday; 0 = Sunday
  const isShifted = moment.ms >= shiftMs(options);
  const shift = isShifted ? options.shiftMagnitude : 0;
  const peaks = 0.12 * Math.cos(((hour - 19) * Math.PI) / 12) + 0.1 * Math.cos(((hour - 9) * Math.PI) / 6);
  const weekly = weekday === 0 || weekday === 6 ? 0.85 : 1;
  const load = Math.max(
    0.05,
    (baseLoad + peaks + moment.slow) * weekly * (1 + 0.25 * shift) * (moment.isBackfeed ? 1.35 : 1),
  );
  const ambient = 12 + 5 * Math.cos(((hour - 15) * Math.PI) / 12) + moment.weather + 8 * shift;
  const d = degradationAt(course, moment.ms) * options.degradationMagnitude;
  const powerFactor = 0.95;
  const isRefitted = moment.ms >= refitMs(options);
  const rise = (8 + 42 * load ** 1.6) * (1 + 0.9 * d) + 10 * d;
  const activeMw = ratedMva * load * powerFactor;
  const drawn = ratedMva * load * Math.sqrt(1 - powerFactor ** 2) * (1 + 0.25 * d);
  return {
    load,
    ambient,
    oilTarget: ambient + rise * (isRefitted ? REFIT.riseFactor : 1),
    activeMw,
    reactiveMvar: drawn - (isRefitted ? activeMw * REFIT.compensation : 0),
    isBackfeed: moment.isBackfeed,
  };
}

function measure(state: State, oil: number, noise: Generator): Record<SensorName, number> {
  const voltage = (state.isBackfeed ? 19.4 : 20.3) - 0.5 * state.load + 0.05 * noise.normal();
  const activePower = state.activeMw * (1 + 0.005 * noise.normal());
  const reactivePower = state.reactiveMvar * (1 + 0.03 * noise.normal());
  const apparent = Math.sqrt(activePower ** 2 + reactivePower ** 2);
  return {
    voltage,
    current: (1_000 * apparent) / (Math.sqrt(3) * voltage) + 0.5 * noise.normal(),
    temperature: oil + 0.8 * noise.normal(),
    active_power: activePower,
    reactive_power: reactivePower,
    ambient: state.ambient + 0.3 * noise.normal(),
  };
}

function degradationAt(course: Course, ms: number): number {
  const failure = course.failures.find((f) => ms >= f.beginMs && ms < f.failMs);
  return failure === undefined ? 0 : ((ms - failure.beginMs) / (failure.failMs - failure.beginMs)) ** 2;
}

const tangentOf = (powerFactor: number): number => Math.sqrt(1 - powerFactor ** 2) / powerFactor;

/** Reactive power that the banks take off, per active power; both are settled by the header's reasoning. */
const REFIT = { riseFactor: 0.6, compensation: tangentOf(0.95) - tangentOf(0.99) };

function refitMs({ refitAtDay, start }: FleetOptions): number {
  return refitAtDay === undefined ? Number.POSITIVE_INFINITY : Date.parse(start) + refitAtDay * DAY_MS;
}

function shiftMs(options: FleetOptions): number {
  if (options.shiftAtDay === undefined) return Number.POSITIVE_INFINITY;
  return Date.parse(options.start) + options.shiftAtDay * DAY_MS;
}

/** Faults of the sensors, not of the unit: spikes of one reading, and runs of zeros or of nothing. */
class SensorFaults {
  readonly #options: FleetOptions;
  readonly #random: Generator;
  readonly #runs = new Map<SensorName, { left: number; kind: "stuck" | "missing" }>();

  constructor(options: FleetOptions, random: Generator) {
    this.#options = options;
    this.#random = random;
  }

  apply(values: Readonly<Record<SensorName, number>>): Record<SensorName, number> {
    const { spikesPerThousand, spikeMagnitude, stuckPerThousand, missingPerThousand } = this.#options;
    const out = { ...values };
    if (this.#strikes(spikesPerThousand)) {
      const sensor = this.#sensor();
      const direction = this.#random.next() < 0.5 ? -1 : 1;
      out[sensor] += direction * spikeMagnitude * (0.5 + this.#random.next()) * Math.abs(values[sensor]);
    }
    if (this.#strikes(stuckPerThousand)) this.#begin("stuck");
    if (this.#strikes(missingPerThousand)) this.#begin("missing");
    for (const sensor of SENSORS) {
      const run = this.#runs.get(sensor);
      if (run === undefined) continue;
      out[sensor] = run.kind === "stuck" ? 0 : Number.NaN;
      if (--run.left === 0) this.#runs.delete(sensor);
    }
    return out;
  }

  #strikes(perThousand: number): boolean {
    return this.#random.next() * 1_000 < perThousand;
  }

  #sensor(): SensorName {
    const { faultySensors } = this.#options;
    return faultySensors[this.#random.integer(Math.max(1, faultySensors.length))] ?? "temperature";
  }

  #begin(kind: "stuck" | "missing"): void {
    this.#runs.set(this.#sensor(), { left: 1 + this.#random.integer(this.#options.longestFault), kind });
  }
}
