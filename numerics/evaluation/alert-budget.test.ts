import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { alertCurve, countAlerts, thresholdForBudget } from "./alert-budget.ts";

describe("thresholdForBudget", () => {
  const score = Float64Array.of(1, 5, 6, 2, 7, 1, 8, 3);
  // Three asset-days; the second holds 5 and 6.
  const assetDay = Float64Array.of(1, 2, 2, 2, 3, 4, 4, 4);

  it("keeps a share of the rows", () => {
    const threshold = thresholdForBudget({ score }, { kind: "share", share: 0.25 });
    expect(threshold).toBe(6.5);
    expect(countAlerts({ score }, threshold)).toEqual({ threshold, alertShare: 0.25, alertRows: 2 });
  });

  it("counts an asset once a day", () => {
    const rows = { score, assetDay };
    // 4 of 4 days would be 30.4 alerts a month, 3 of 4 are 22.8: all but the day that has only a 1.
    const threshold = thresholdForBudget(rows, { kind: "perAssetMonth", alerts: 25 });
    expect(threshold).toBe(1.5);
    expect(countAlerts(rows, threshold)).toMatchObject({ alertRows: 6, alertsPerAssetMonth: 0.75 * 30.4375 });
  });

  it("alerts never where one alert is too many, and takes all equal scores or none", () => {
    const equal = { score: new Float64Array(10).fill(3) };
    const threshold = thresholdForBudget(equal, { kind: "share", share: 0.1 });
    expect(countAlerts(equal, threshold).alertRows).toBe(0);
    expect(countAlerts({ score }, thresholdForBudget({ score }, { kind: "share", share: 0 })).alertRows).toBe(
      0,
    );
    expect(countAlerts({ score }, thresholdForBudget({ score }, { kind: "share", share: 1 })).alertRows).toBe(
      8,
    );
  });

  it("keeps any budget on random series", () => {
    const generator = createGenerator(5);
    const rows = {
      score: Float64Array.from({ length: 3000 }, () => Math.round(40 * generator.normal())),
      assetDay: Float64Array.from({ length: 3000 }, (_, row) => Math.floor(row / 10)),
    };
    for (const alerts of [0.01, 0.1, 1, 3]) {
      const counted = countAlerts(rows, thresholdForBudget(rows, { kind: "perAssetMonth", alerts }));
      expect(counted.alertsPerAssetMonth).toBeLessThanOrEqual(alerts);
    }
  });

  it("refuses no rows, scores that are no numbers, and months without time", () => {
    const share = { kind: "share", share: 0.1 } as const;
    expect(() => thresholdForBudget({ score: new Float64Array() }, share)).toThrow(RangeError);
    expect(() => thresholdForBudget({ score: Float64Array.of(NaN) }, share)).toThrow(RangeError);
    expect(() => thresholdForBudget({ score }, { kind: "share", share: 2 })).toThrow(RangeError);
    expect(() => thresholdForBudget({ score }, { kind: "perAssetMonth", alerts: 1 })).toThrow(
      /rows with a time/,
    );
  });
});

describe("alertCurve", () => {
  it("says of each point what counting says, and of the label what it knows", () => {
    const generator = createGenerator(3);
    const score = Float64Array.from({ length: 2000 }, () => generator.normal());
    const assetDay = Float64Array.from({ length: 2000 }, (_, row) => Math.floor(row / 8));
    const truth = score.map((value, row) => (row % 3 === 0 ? Number.NaN : Number(value > 1.5)));
    const curve = alertCurve({ score, assetDay }, truth);
    expect(curve.length).toBeGreaterThan(30);
    expect(curve.length).toBeLessThanOrEqual(161);
    expect(curve.at(-1)).toMatchObject({ alertRows: 0 });
    for (const point of curve.slice(0, -1)) {
      expect(countAlerts({ score, assetDay }, point.threshold)).toEqual({
        threshold: point.threshold,
        alertShare: point.alertShare,
        alertRows: point.alertRows,
        alertsPerAssetMonth: point.alertsPerAssetMonth,
      });
    }
    // The label is the score above 1.5: there precision and recall are both 1.
    expect(curve.some(({ precision = 0, recall = 0 }) => precision > 0.95 && recall > 0.95)).toBe(true);
    expect(alertCurve({ score: Float64Array.of(1, 2) })[0]).toEqual({
      threshold: 1,
      alertShare: 1,
      alertRows: 2,
    });
  });
});
