import type { FittedState } from "../schemas/data/feature-set.ts";

type FittedRegimes = NonNullable<FittedState["regimes"]>;

/**
 * Standardises sensors by the regime of their reading, in place: the TypeScript form of the regime layer in SQL,
 * with the same operations in the same order.
 */
export function normalizer(regimes: FittedRegimes | undefined): (numbers: Map<string, number>) => void {
  if (regimes === undefined) return () => {};
  return (numbers) => {
    const settings = regimes.columns.map((name) => numbers.get(name) ?? Number.NaN);
    const regime = regimeOf(regimes, settings);
    const standardized = regimes.normalized.map((name, j) => {
      const mean = regimes.means[regime]?.[j] ?? Number.NaN;
      return ((numbers.get(name) ?? Number.NaN) - mean) / (regimes.scales[regime]?.[j] ?? Number.NaN);
    });
    regimes.normalized.forEach((name, j) => numbers.set(name, standardized[j] ?? Number.NaN));
  };
}

/**
 * Nearest standardised centre, the first on a tie; missing settings are left out.
 *
 * @returns −1 when every setting is missing
 */
export function regimeOf(
  regimes: Pick<FittedRegimes, "centres" | "settingMeans" | "settingScales">,
  settings: ArrayLike<number>,
): number {
  const z = Array.from(
    settings,
    (v, j) => (v - (regimes.settingMeans[j] ?? 0)) / (regimes.settingScales[j] ?? 1),
  );
  if (z.every((value) => Number.isNaN(value))) return -1;
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  regimes.centres.forEach((centre, k) => {
    let distance = 0;
    centre.forEach((value, j) => {
      const delta = (z[j] ?? Number.NaN) - value;
      distance += Number.isNaN(delta) ? 0 : delta * delta;
    });
    if (distance >= bestDistance) return;
    best = k;
    bestDistance = distance;
  });
  return best;
}
