import { afterEach, describe, expect, it } from "vitest";
import type { RankedAsset, ScoreSummary } from "../schemas/serving/score.ts";
import { ApiClient } from "./client.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi } from "./fake-api.ts";
import { fleetCsv, showFleet, showWarnings } from "./fleet-view.ts";
import { Output } from "./output.ts";
import { scoreFleet } from "./score-fleet.ts";
import type { FleetScore } from "./score-fleet.ts";

const AT = "2026-01-01T00:00:00Z";
const DIGEST = "d".repeat(64);
const ranked = (asset: string, rank: number, value: number): RankedAsset => ({
  asset,
  rank,
  value,
  risk: null,
  at: AT,
  readings: 7,
  short: rank === 3,
  missing: rank - 1,
});
const ROWS = [ranked("a", 1, 0.4), ranked("b", 2, 0.25), ranked("c", 3, 0.1)];
const COUNTS = { read: 100, accepted: 97, quarantined: 3, byReason: { not_a_number: 3 } };
const SUMMARY: ScoreSummary = {
  kind: "risk",
  order: "descending",
  unit: null,
  horizon: "30d",
  cap: null,
  threshold: 0.25,
  classLabels: null,
  commonClass: null,
  data: { ...COUNTS, bySource: { readings: COUNTS }, maxBadShare: 0.01 },
  assets: { seen: 5, scored: 3, leftOut: 2, incomplete: 2, short: 1 },
  needs: { readings: 30, hours: 24 },
  features: 4,
  leftOut: [
    { asset: "=lost()", reason: "all_rows_quarantined", rows: 3, codes: ["not_a_number"] },
    { asset: "quiet", reason: "no_readings", rows: 0, codes: [] },
  ],
};

let api: FakeApi;
let printed = "";
const stream = { write: (text: string) => (printed += text) };
const output = new Output({ stdout: stream, stderr: stream, environment: {} });

afterEach(() => api.close());

async function score(
  summary: ScoreSummary,
  rows = ROWS,
  scoredAt: string | null = null,
): Promise<FleetScore> {
  printed = "";
  const name = { model: "m", version: 1 };
  api = await startFakeApi({
    "POST /v1/scores": () => ({ status: 202, body: { scoreId: "m-1", isNew: true, scoredAt, ...name } }),
    "GET /v1/scores/m-1": () => ({
      body: { id: "m-1", ...name, digest: DIGEST, dataset: "s1", summary, rows },
    }),
  });
  const client = new ApiClient({ baseUrl: api.url });
  const { signal } = new AbortController();
  const connection = { client, signal, apiUrl: api.url, isOwn: false, platformStartMs: 0 };
  return scoreFleet(connection, { output, model: "m", files: [] });
}

describe("scoreFleet", () => {
  it("says that the same files give the same score, and no recommendation more", async () => {
    await score(SUMMARY);
    expect(printed).not.toContain("opens no further recommendation");
    await score(SUMMARY, ROWS, "2026-01-02T03:04:05.000Z");
    expect(printed).toContain("m@1 scored these very files at 2026-01-02");
    expect(printed).toContain("opens no further recommendation");
  });

  it("says what the numbers mean, and loudly what they do not rest on", async () => {
    const fleet = await score(SUMMARY);
    expect(fleet.rows.map(({ decision }) => decision)).toEqual([true, true, false]);
    showFleet(output, fleet, 2);
    showWarnings(output, fleet);
    expect(printed).toMatch(/rank +asset +risk within 30d +alarm +as of +readings/);
    expect(printed).toContain("and 1 more\nranked by risk, highest first\n");
    expect(printed).toContain("2 of 3 assets are alarms: their risk is at or above 25 %");
    expect(printed).toContain(
      "assets: 5 seen, 3 scored, 2 left out; rows: 100 read, 97 accepted, 3 quarantined",
    );
    expect(printed).toContain(`fleet score m-1: m@1, digest ${DIGEST}`);
    for (const warning of [
      "3 of 100 rows were not accepted (not_a_number 3): aura data quarantine s1",
      "3 % of source readings is bad, the model's own pipeline allows 1 %",
      "2 of 5 assets are not ranked: =lost() (all 3 rows quarantined: not_a_number), quiet (no readings in the files)",
      "1 of 3 ranked assets have less history than the model looks back on (30 readings, 24 hours): c (7 readings)",
      "2 of 3 ranked assets miss up to 2 of 4 features",
    ])
      expect(printed).toContain(`warning: ${warning}`);
  });

  it("writes every asset into the CSV, those left out with the reason and without a rank", async () => {
    const lines = fleetCsv(await score(SUMMARY)).split("\n");
    expect(lines[0]).toBe(
      "rank,asset,risk,decision,unit,horizon,at,readings,missing_features,model,version,digest,note",
    );
    expect(lines[1]).toBe(`1,a,0.4,true,,30d,${AT},7,0,m,1,${DIGEST},`);
    expect(lines[3]).toMatch(/,"history shorter than 30 readings, 24 hours"$/);
    expect(lines.slice(4, 6)).toEqual([
      `,'=lost(),,,,30d,,0,,m,1,${DIGEST},left out: all 3 rows quarantined: not_a_number`,
      `,quiet,,,,30d,,0,,m,1,${DIGEST},left out: no readings in the files`,
    ]);
  });

  it("shows a forecast by horizon, with the probability that its limit is crossed", async () => {
    const point = (horizon: string, median: number) => ({
      horizon,
      median,
      quantiles: { "0.1": median - 1, "0.5": median, "0.9": median + 1 },
      time: AT,
    });
    const rows = [
      { ...ranked("hot", 1, 80), risk: 0.25, forecast: [point("1h", 80), point("6h", 90)] },
      { ...ranked("cool", 2, 20), risk: 0, forecast: [point("1h", 20), point("6h", 21)] },
    ];
    const fleet = await score(
      {
        ...SUMMARY,
        kind: "forecast",
        unit: "°C",
        horizon: null,
        threshold: null,
        forecast: {
          column: "heat",
          statistic: "value",
          horizons: [
            { horizon: "1h", span: 1 },
            { horizon: "6h", span: 6 },
          ],
          quantiles: [0.1, 0.5, 0.9],
          timeKind: "timestamp",
          anchor: "heat",
          limit: { above: 85 },
        },
        leftOut: [{ asset: "mute", reason: "no_present_value", rows: 3, codes: [] }],
      },
      rows,
    );
    showFleet(output, fleet, 9);
    showWarnings(output, fleet);
    expect(printed).toMatch(/rank +asset +in 1h \[°C\] +in 6h \[°C\] +above 85 +as of/);
    expect(printed).toMatch(/1 +hot +80 \(79 … 81\) +90 \(89 … 91\) +25\.0 %/);
    expect(printed).toContain("ranked by the probability of a value above 85, highest first");
    expect(printed).toContain("mute (the column that is forecast has no value at its last reading)");
    const [header, first, , left] = fleetCsv(fleet).split("\n");
    expect(header).toContain("rank,asset,median,risk,1h_q0.1,1h_q0.5,1h_q0.9,6h_q0.1,6h_q0.5,6h_q0.9,unit");
    expect(first).toContain("1,hot,80,0.25,79,80,81,89,90,91,°C");
    expect(left?.split(",").length).toBe(header?.split(",").length);
  });

  it("has no alarms, horizon or warnings where there is nothing of the kind", async () => {
    const counts = { read: 9, accepted: 9, quarantined: 0, byReason: {} };
    const fleet = await score({
      ...SUMMARY,
      kind: "rul",
      order: "ascending",
      unit: "cycles",
      horizon: null,
      cap: 125,
      threshold: null,
      data: { ...counts, bySource: { readings: counts }, maxBadShare: 0.01 },
      assets: { seen: 3, scored: 3, leftOut: 0, incomplete: 0, short: 0 },
      leftOut: [],
    });
    showFleet(output, fleet, 9);
    showWarnings(output, fleet);
    expect(printed).toMatch(/rank +asset +remaining life \[cycles\] +as of/);
    expect(printed).toContain("least first; the model tells lives above 125 cycles not apart");
    expect(printed).not.toMatch(/alarm|warning/);
    expect(fleetCsv(fleet).split("\n")[0]).toMatch(/^rank,asset,rul,unit,/);
  });

  it("names classes", async () => {
    const summary = { ...SUMMARY, kind: "class", threshold: null, classLabels: ["ok", "worn"] } as const;
    const fleet = await score({ ...summary, classLabels: ["ok", "worn"] }, [ranked("a", 1, 1)]);
    showFleet(output, fleet, 9);
    expect(printed).toMatch(/1 +a +worn/);
    expect(fleetCsv(fleet)).toContain("1,a,worn,");
    expect(printed).toContain("ranked by class, last class first");
  });

  it("ranks classes by what is not the common one, and says so", async () => {
    const summary = { ...SUMMARY, kind: "class", threshold: null, classLabels: ["worn", "ok"] } as const;
    const row = { ...ranked("a", 1, 0), risk: 0.75 };
    const fleet = await score({ ...summary, classLabels: ["worn", "ok"], commonClass: "ok" }, [row]);
    showFleet(output, fleet, 9);
    expect(printed).toMatch(/rank +asset +class +not ok +as of/);
    expect(printed).toMatch(/1 +a +worn +75\.0 %/);
    expect(printed).toContain(
      "ranked by the probability of any class but ok, the most frequent in training, highest first",
    );
    expect(fleetCsv(fleet)).toMatch(/^rank,asset,class,risk,unit,/);
    expect(fleetCsv(fleet)).toContain("1,a,worn,0.75,");
  });
});
