import { afterEach, describe, expect, it } from "vitest";
import { ApiClient } from "./client.ts";
import { startFakeApi } from "./fake-api.ts";
import type { FakeApi } from "./fake-api.ts";
import { Output } from "./output.ts";
import { fleetCsv, scoreFleet, showFleet } from "./score-fleet.ts";

const ROWS = [
  { asset: "a", rank: 1, value: 0.4, at: "2026-01-01T00:00:00Z" },
  { asset: "b", rank: 2, value: 0.25, at: "2026-01-01T00:00:00Z" },
  { asset: "c", rank: 3, value: 0.1, at: "2026-01-01T00:00:00Z" },
];
const COUNTS = { read: 100, accepted: 97, quarantined: 3, byReason: { bad_number: 3 } };

let api: FakeApi;
let printed = "";
const stream = { write: (text: string) => (printed += text) };
const output = new Output({ stdout: stream, stderr: stream, environment: {} });

afterEach(() => api.close());

async function score(version: Readonly<Record<string, unknown>>, hasDataset = true) {
  printed = "";
  const name = { model: "m", version: 1 };
  api = await startFakeApi({
    "POST /v1/scores": () => ({ status: 202, body: { scoreId: "m-1", isNew: true, ...name } }),
    "GET /v1/scores/m-1": () => ({
      body: { id: "m-1", ...name, digest: "d1", dataset: "s1", rows: ROWS },
    }),
    "GET /v1/models/m/versions/1": () => ({ body: version }),
    ...(hasDataset && {
      "GET /v1/datasets/s1": () => ({ body: { manifest: { sources: { readings: { counts: COUNTS } } } } }),
    }),
  });
  const client = new ApiClient({ baseUrl: api.url });
  const { signal } = new AbortController();
  const connection = { client, signal, apiUrl: api.url, isOwn: false, platformStartMs: 0 };
  return scoreFleet(connection, { output, model: "m", files: [] });
}

const evaluation = (metric: string) => ({ evaluation: { metrics: { test: { [metric]: 1 } } } });

describe("scoreFleet", () => {
  it("decides by the threshold that is served, and tells of rows left out", async () => {
    const fleet = await score({ ...evaluation("prAuc"), threshold: 0.25 });
    expect(fleet.rows.map(({ decision }) => decision)).toEqual([true, true, false]);
    showFleet(output, fleet, 2);
    expect(printed).toMatch(/rank +asset +risk +alarm +at/);
    expect(printed).toContain("and 1 more");
    expect(printed).toContain("2 of 3 assets are alarms: their risk is at or above 25 %");
    expect(printed).toContain("3 of 100 rows were not accepted (bad_number 3): aura data quarantine s1");
    expect(fleetCsv(fleet).split("\n").slice(0, 2)).toEqual([
      "rank,asset,risk,decision,unit,at,model,version,digest",
      "1,a,0.4,true,,2026-01-01T00:00:00Z,m,1,d1",
    ]);
  });

  it("decides nothing without a threshold", async () => {
    const fleet = await score(evaluation("prAuc"), false);
    showFleet(output, fleet, 9);
    expect(printed).not.toContain("alarm");
    expect(fleetCsv(fleet)).toContain("1,a,0.4,,,2026");
  });

  it("leaves decisions out of a remaining life", async () => {
    const fleet = await score(evaluation("rmse"));
    expect(fleet.kind).toBe("rul");
    expect(fleetCsv(fleet).split("\n")[0]).toBe("rank,asset,rul,unit,at,model,version,digest");
  });
});
