import { confirmDrift } from "../../numerics/drift/confirmation.ts";
import { freezeReference } from "../../numerics/drift/reference.ts";
import type { DriftReference } from "../../numerics/drift/reference.ts";
import { compareWithReference, driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { Generator } from "../../numerics/random/generator.ts";
import type { Table, TableKind } from "./tables.ts";

/** How often checks and confirmations of a kind of table were wrong. */
export interface FalseAlarms {
  readonly name: string;
  readonly nChecks: number;
  readonly share: number;
  /** of pairs of windows in a row: drift confirmed */
  readonly confirmedShare: number;
}

/**
 * Draws a reference and two windows of the same law, round after round, and counts the checks that say drift.
 *
 * @param nRounds two checks each
 */
export function countFalseAlarms(kind: TableKind, nRounds: number, seed: number): FalseAlarms {
  const generator = createGenerator(`${kind.name}/${seed}`);
  let alarms = 0;
  let confirmed = 0;
  for (let round = 0; round < nRounds; round++) {
    const reference = freeze(kind.draw(generator, kind.nReference));
    const verdicts = [0, 1].map(() => {
      const report = check(reference, kind.draw(generator, kind.nLive));
      return { state: report.state, drifted: driftedNames(report) };
    });
    alarms += verdicts.filter(({ state }) => state !== "ok").length;
    const [first, second] = verdicts;
    if (first !== undefined && second !== undefined && confirmDrift(second, [first], 2).stage === "confirmed")
      confirmed++;
  }
  return {
    name: kind.name,
    nChecks: 2 * nRounds,
    share: alarms / (2 * nRounds),
    confirmedShare: confirmed / nRounds,
  };
}

/** Something that happens to a window. */
export interface Injury {
  readonly name: string;
  /** Changes the first column of the table in place. */
  change(values: Float64Array, generator: Generator): void;
}

export const INJURIES: readonly Injury[] = [
  { name: "moved by 0.3 σ", change: (values) => values.forEach((value, i) => (values[i] = value + 0.3)) },
  { name: "spread by half", change: (values) => values.forEach((value, i) => (values[i] = 1.5 * value)) },
  {
    name: "15 % missing",
    change: (values, generator) =>
      values.forEach((_, i) => generator.next() < 0.15 && (values[i] = Number.NaN)),
  },
  {
    name: "5 % far out of range",
    change: (values, generator) => values.forEach((_, i) => generator.next() < 0.05 && (values[i] = 30)),
  },
  {
    name: "shuffled: its ties to the others broken",
    change: (values, generator) => generator.shuffle(values),
  },
];

/** Share of the checks that find a window injured in its first column. */
export function countFound(kind: TableKind, injury: Injury, nRounds: number, seed: number): number {
  const generator = createGenerator(`${kind.name}/${injury.name}/${seed}`);
  let found = 0;
  const reference = freeze(kind.draw(generator, kind.nReference));
  for (let round = 0; round < nRounds; round++) {
    const table = kind.draw(generator, kind.nLive);
    const [first] = table.columns;
    if (first?.kind === "numeric") injury.change(first.values as Float64Array, generator);
    const report = check(reference, table);
    const isColumn = report.features[0]?.state === "drift";
    if (isColumn || report.reconstruction.state === "drift") found++;
  }
  return found / nRounds;
}

function freeze({ columns, groups }: Table): DriftReference {
  return freezeReference(columns, groups === undefined ? {} : { groups });
}

function check(reference: DriftReference, { columns, groups }: Table): DriftReport {
  return compareWithReference(reference, columns, groups === undefined ? {} : { groups });
}
