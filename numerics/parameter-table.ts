/**
 * One table per trainer states each setting: unit, default, range and meaning. The
 * defaults, the range check and the docs page all come from that table, so they cannot disagree.
 */

/** A number. */
export interface NumberRow {
  readonly default: number;
  /** Smallest allowed value; itself refused when `isAboveMin`. */
  readonly min: number;
  readonly max: number;
  readonly isAboveMin?: boolean;
  readonly isInteger?: boolean;
  /** What one unit is: rows, leaves, ratio, loss units … */
  readonly unit: string;
  /** Meaning, for people. */
  readonly doc: string;
}

/** One word of several. */
export interface ChoiceRow {
  readonly default: string;
  readonly choices: readonly string[];
  /** Meaning, for people. */
  readonly doc: string;
}

export type ParameterRow = NumberRow | ChoiceRow;
export type ParameterTable = Readonly<Record<string, ParameterRow>>;
/** The complete settings of a table. */
export type ParametersOf<Table extends ParameterTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly choices: readonly (infer Choice)[] }
    ? Choice
    : number;
};
/** What a person sets. */
export type GivenParameters = Readonly<Record<string, number | string | undefined>>;

/**
 * Fills in defaults and checks every value.
 *
 * @param table settings of one trainer
 * @param given what the caller sets; absent or undefined means the default
 * @throws {RangeError} naming the parameter, its value and its range; also for an unknown name
 */
export function resolveParameters<Table extends ParameterTable>(
  table: Table,
  given: GivenParameters,
): ParametersOf<Table> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(table, name)) {
      throw new RangeError(`unknown parameter ${name}; known are ${Object.keys(table).join(", ")}`);
    }
  }
  const resolved: Record<string, number | string> = {};
  for (const [name, row] of Object.entries(table)) {
    const value = given[name] ?? row.default;
    if (!isAllowed(value, row)) {
      throw new RangeError(`${name} must be ${describeRange(row)}, got ${String(value)}`);
    }
    resolved[name] = value;
  }
  return resolved as ParametersOf<Table>;
}

/** The range in words and signs, for messages and docs. */
export function describeRange(row: ParameterRow): string {
  if ("choices" in row) return `one of ${row.choices.join(", ")}`;
  const kind = row.isInteger === true ? "an integer" : "a number";
  return `${kind} in ${row.isAboveMin === true ? "(" : "["}${row.min}, ${row.max}] (${row.unit})`;
}

function isAllowed(value: number | string, row: ParameterRow): boolean {
  if ("choices" in row) return row.choices.includes(String(value));
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (row.isInteger === true && !Number.isInteger(value)) return false;
  return (row.isAboveMin === true ? value > row.min : value >= row.min) && value <= row.max;
}
