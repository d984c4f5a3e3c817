import type { Signature } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";

type Input = Signature["inputs"][number];

/** Turns named values into the rows of the input tensor, as the signature says. */
export interface RowEncoder {
  readonly nFeatures: number;
  /**
   * Writes one row at `offset` of `out`.
   * @throws {PlatformError} invalid_signature_input, one location per wrong or missing field
   */
  encode(row: Readonly<Record<string, unknown>>, rowIndex: number, out: Float64Array, offset: number): void;
}

/**
 * Compiles a signature.
 *
 * Up-casts that lose nothing are made: an integer or a boolean (as 0 or 1) for a number, a number's text
 * never. A missing field is always refused; null stands for a missing value where the input is nullable.
 * A category that training has not seen is a missing value too, as it is in training.
 * Fields beyond the signature are ignored.
 */
export function createRowEncoder(signature: Signature): RowEncoder {
  const inputs = signature.inputs.map((input) => ({ input, name: input.name, code: compileInput(input) }));
  return {
    nFeatures: inputs.length,
    encode(row, rowIndex, out, offset) {
      for (let i = 0; i < inputs.length; i++) {
        const compiled = inputs[i];
        if (compiled === undefined) continue;
        const raw = Object.hasOwn(row, compiled.name) ? row[compiled.name] : undefined;
        const value = typeof raw === "number" && compiled.input.kind === "number" ? raw : compiled.code(raw);
        if (value === undefined) throw refuseRow(signature.inputs, row, rowIndex);
        out[offset + i] = value;
      }
    },
  };
}

/** Value of one field as a number, NaN for an allowed missing one, undefined when it is refused. */
function compileInput(input: Input): (raw: unknown) => number | undefined {
  const missing = input.nullable ? NaN : undefined;
  if (input.kind === "number") {
    return (raw) => {
      if (raw === null) return missing;
      if (typeof raw === "boolean") return raw ? 1 : 0;
      return typeof raw === "number" && Number.isFinite(raw) ? raw : undefined;
    };
  }
  const codes = new Map((input.values ?? []).map((value, code) => [value, code]));
  return (raw) => {
    if (raw === null) return missing;
    const text = typeof raw === "boolean" || typeof raw === "number" ? String(raw) : raw;
    return typeof text === "string" ? (codes.get(text) ?? NaN) : undefined;
  };
}

/**
 * Checks the row of an asset, whose values were computed and not sent.
 *
 * @throws {PlatformError} invalid_signature_input for a missing value of an input that must have one
 */
export function requireKnown({ inputs }: Signature, row: Float64Array): void {
  const input = inputs.find(({ nullable }, i) => !nullable && Number.isNaN(row[i]));
  if (input === undefined) return;
  const location = {
    field: `readings.${input.name}`,
    expected: `a value of ${input.name} at the last reading`,
    found: "none",
  };
  const message = `predict [${location.field}]: expected ${location.expected}, got none`;
  throw new PlatformError("invalid_signature_input", message, { locations: [location] });
}

function refuseRow(
  inputs: readonly Input[],
  row: Readonly<Record<string, unknown>>,
  rowIndex: number,
): PlatformError {
  const locations: ErrorLocation[] = [];
  for (const input of inputs) {
    const raw = Object.hasOwn(row, input.name) ? row[input.name] : undefined;
    if (compileInput(input)(raw) !== undefined) continue;
    const wanted = input.kind === "number" ? "a finite number" : "a text";
    const expected = input.nullable ? `${wanted} or null` : wanted;
    locations.push({ field: `rows.${rowIndex}.${input.name}`, expected, found: kindOf(raw) });
    if (locations.length === 20) break;
  }
  const first = locations[0];
  return new PlatformError(
    "invalid_signature_input",
    `predict [${first?.field}]: expected ${first?.expected}, got ${first?.found}`,
    { locations },
  );
}

function kindOf(raw: unknown): string {
  if (raw === undefined) return "nothing";
  if (raw === null) return "null";
  return Array.isArray(raw) ? "an array" : typeof raw;
}
