import fc from "fast-check";
import type { LiveEvent } from "../event-filter.ts";
import type { Cell, TestSource } from "./test-dataset.ts";

const SERIES_PER_FLEET = 12;

/** Random fleets per property: 48 series by default; AURA_PROPERTY_SERIES raises it for a deeper look. */
export const PROPERTY_RUNS = Math.ceil(Number(process.env["AURA_PROPERTY_SERIES"] ?? 48) / SERIES_PER_FLEET);

const HOUR = 3_600_000_000;

/** One minute: what slopes per hour are scaled by. */
export const SHORTEST_STEP = HOUR / 60;

/** A fleet with what real series have: gaps, missing values, duplicate times, resets, offsets, constant sensors. */
export interface Fleet {
  readonly sources: Readonly<Record<"readings" | "repairs" | "plates", TestSource>>;
}

/**
 * Level and noise of a sensor: std 1 at 0, std 1e-3 on an offset of 1e6, constant at an awkward level, wide, and noise that
 * is hardly more than what doubles of that size are apart.
 */
const levels = fc.constantFrom([0, 1], [1e6, 1e-3], [0.1, 0], [-40, 1e4], [1e9, 1e-5]);

/** What devices send before they have a value. */
const SENTINEL = 2 ** 31;
/** By how much a sensor's level may change at once, in parts of its noise. */
const JUMP = 1e6;
/** The noise that a sensor without any is taken to have. */
const NO_NOISE = 0.37;

/** Where a sensor's level changes, and whether its first value stands for none. */
const course = fc.record({
  jumpsAt: fc.option(fc.integer({ min: 1, max: 30 })),
  beginsWithSentinel: fc.boolean(),
});
type Course = typeof course extends fc.Arbitrary<infer T> ? T : never;

const value = (level: readonly [number, number] | number[]): fc.Arbitrary<number | null> =>
  fc.option(
    fc.integer({ min: -1000, max: 1000 }).map((n) => (level[0] ?? 0) + ((level[1] ?? 1) * n) / 500),
    { freq: 8 },
  );

/** Two readings in five at the same time or close, sometimes a long gap. */
const step = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 5, arbitrary: fc.integer({ min: SHORTEST_STEP, max: HOUR }) },
  { weight: 3, arbitrary: fc.constant(HOUR) },
  { weight: 1, arbitrary: fc.integer({ min: HOUR, max: 200 * HOUR }) },
);

const asset = (id: string) =>
  levels.chain((levelX) =>
    levels.chain((levelY) =>
      fc.record({
        id: fc.constant(id),
        noises: fc.constant([levelX[1], levelY[1]]),
        courses: fc.tuple(course, course),
        start: fc.integer({ min: -1000 * HOUR, max: 400_000 * HOUR }),
        readings: fc.array(
          fc.tuple(step, value(levelX), value(levelY), fc.constantFrom("on", "off", "éteint", null)),
          { maxLength: 40 },
        ),
        repairs: fc.array(
          fc.tuple(fc.integer({ min: -5, max: 60 }), fc.constantFrom("minor", "major"), fc.boolean()),
          { maxLength: 6 },
        ),
      }),
    ),
  );

type Machine = typeof asset extends (id: string) => fc.Arbitrary<infer T> ? T : never;

/** Assets with plain and hostile ids; any of them may be empty. One query computes them all, which is the slow part. */
const IDS = [
  "pump 1",
  "x'; DROP TABLE r;--",
  "10",
  "9",
  "ÿ\u{1f600}",
  "__asset",
  ...Array.from({ length: SERIES_PER_FLEET - 6 }, (_, i) => `pump ${i + 2}`),
];

export const fleet: fc.Arbitrary<Fleet> = fc.tuple(...IDS.map(asset)).map((machines) => ({
  sources: {
    readings: {
      timeKind: "timestamp",
      columns: [
        { name: "x", type: "float" },
        { name: 'y "odd" name', type: "float" },
        { name: "mode", type: "text" },
      ],
      rows: machines.flatMap(readingRows),
    },
    repairs: {
      role: "events",
      timeKind: "timestamp",
      columns: [
        { name: "kind", type: "text" },
        { name: "planned", type: "boolean" },
      ],
      rows: machines.flatMap(repairRows),
    },
    plates: {
      role: "attributes",
      timeKind: "none",
      columns: [
        { name: "rating", type: "float" },
        { name: "model", type: "text" },
      ],
      rows: [{ asset: "pump 1", values: [12.5, "M-2"] }],
    },
  },
}));

function readingRows({ id, start, readings, courses, noises }: Machine): TestSource["rows"] {
  let t = start;
  return readings.map(([passed, x, y, mode], i) => {
    t += passed;
    const values = [x, y].map((one, k) => onCourse(one, i, { ...courses[k], noise: noises[k] ?? 0 }));
    return { asset: id, t, values: [...values, mode] };
  });
}

function onCourse(
  regular: number | null,
  index: number,
  { jumpsAt, beginsWithSentinel, noise }: Partial<Course> & { readonly noise: number },
): number | null {
  if (index === 0 && beginsWithSentinel === true) return SENTINEL;
  const isBehindJump = typeof jumpsAt === "number" && index >= jumpsAt;
  return regular === null || !isBehindJump ? regular : regular + JUMP * (noise === 0 ? NO_NOISE : noise);
}

function repairRows({ id, start, repairs }: Machine): TestSource["rows"] {
  return repairs.map(([hours, kind, planned]) => ({
    asset: id,
    t: start + hours * HOUR,
    values: [kind, planned],
  }));
}

/** Events of an asset as live ones. */
export function liveEvents(source: TestSource, assetId: string): LiveEvent[] {
  return source.rows
    .filter((row) => row.asset === assetId)
    .map((row) => ({ t: row.t ?? 0, values: valuesByName(source, row.values) }));
}

export function valuesByName(source: TestSource, values: readonly Cell[]): Record<string, Cell> {
  return Object.fromEntries(source.columns.map((column, i) => [column.name, values[i] ?? null]));
}
