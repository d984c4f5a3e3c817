import { rowOf } from "./row.ts";
import type { BenchRow, Measurement, RowSpec } from "./row.ts";
import type { BenchSuite } from "./suite.ts";

/** A row of a suite that just meets its aim, and the same work ten times slower. */
export interface SelfTestCase {
  readonly name: string;
  readonly asMeasured: BenchRow;
  readonly tenfoldSlower: BenchRow;
  /** The peer is not installed. */
  readonly withoutPeer: BenchRow;
}

/**
 * Proof that the benchmarks notice a regression: every row a suite can yield is judged once as it should be
 * and once with ours made ten times worse, by the code that judges real figures.
 */
export function selfTestCases(suites: readonly BenchSuite[]): SelfTestCase[] {
  return suites.flatMap((suite) =>
    Object.values(suite.specs).map((spec) => {
      const measured = justMeeting(spec);
      return {
        name: `${suite.name}: ${spec.work}, ${spec.unit}`,
        asMeasured: rowOf(spec, measured),
        tenfoldSlower: rowOf(spec, measured, 10),
        withoutPeer: rowOf(spec, { ours: measured.ours, seed: measured.seed }),
      };
    }),
  );
}

/** A figure at the edge of the aim: the nearest bound, or the ratio's bound against a peer of 100. */
function justMeeting(spec: RowSpec): Measurement {
  if (spec.of === "ours")
    return { ours: spec.max ?? spec.min ?? 0, peer: 100, peerVersion: "peer 1", seed: 0 };
  const ratio = (spec.min ?? spec.max ?? 1) * 1.0001;
  const ours = spec.better === "higher" ? 100 * ratio : 100 / ratio;
  return { ours, peer: 100, peerVersion: "peer 1", seed: 0 };
}
