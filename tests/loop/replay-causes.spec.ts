import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { replayLifeSchema } from "../../schemas/runs/replay-life.ts";
import type { ReplayLife } from "../../schemas/runs/replay-life.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { createCli } from "../support/cli.ts";
import { describeWithServices } from "../support/platform.ts";
import { REFITTED_FLEET, refittedFleet } from "../support/refitted-fleet.ts";
import type { RefittedFleet } from "../support/refitted-fleet.ts";

/** What retrains in a replayed life beside drift, on a fleet that is refitted at mid-time. */

/** Seconds where the machine is free; it may be shared. */
const REPLAY_MS = 400_000;
const DAY_MS = 86_400_000;
const BEGIN_MS = Date.parse("2024-01-01T00:00:00Z");
const DELAY_MS = DAY_MS;
const onDay = (day: number) => new Date(BEGIN_MS + day * DAY_MS).toISOString();
const REFIT = onDay(REFITTED_FLEET.refitAtDay);
/** Three windows, from two fifths of it on: the fourth to the sixth week. */
const UNTIL = new Date(BEGIN_MS + 42 * DAY_MS - 1_000).toISOString();
const OF_THE_EXAMPLE = "retraining: { onDrift: true, coolDown: 7d }";

await describeWithServices("what retrains in a replayed life", () => {
  const folder = mkdtempSync(join(tmpdir(), "aura-replay-causes-"));
  let platform: FaultyPlatform;
  let fleet: RefittedFleet;

  beforeAll(async () => {
    fleet = await refittedFleet();
    mkdirSync(join(folder, "fleet"));
    for (const [name, text] of Object.entries(fleet.files)) writeFileSync(join(folder, "fleet", name), text);
    platform = await FaultyPlatform.start();
  }, REPLAY_MS);
  afterAll(async () => {
    await platform?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const replay = async (retraining: string, ...more: string[]): Promise<ReplayLife> => {
    expect(fleet.pipeline).toContain(OF_THE_EXAMPLE);
    writeFileSync(join(folder, "pipeline.yaml"), fleet.pipeline.replace(OF_THE_EXAMPLE, retraining));
    const { code, stdout, stderr } = await createCli({
      cwd: folder,
      env: { ...process.env, AURA_API_URL: platform.apiUrl, NO_COLOR: "1" } as Record<string, string>,
      timeoutMs: REPLAY_MS,
    })("replay-life", "pipeline.yaml", "--data", "fleet", "--label-delay", "1d", "--json", ...more);
    expect(code, stderr).toBe(0);
    return replayLifeSchema.parse(JSON.parse(stdout));
  };

  it(
    "quality that fell, by the labels that were known then",
    async () => {
      const { windows, trainings } = await replay("retraining: { onDrift: false, coolDown: 7d }");
      const before = windows.filter(({ to }) => to <= REFIT);
      expect(before.map(({ performance }) => performance?.state)).toEqual(before.map(() => "ok"));
      const confirmed = windows.find(({ performance }) => performance?.confirmed === true);
      const [, retrained] = trainings;
      expect(retrained).toMatchObject({ at: confirmed?.to, outcome: "promoted" });
      expect(retrained?.reason).toContain("quality fell");
      expect((retrained?.at ?? "") > REFIT).toBe(true);
      const next = windows.find(({ from }) => from === confirmed?.to);
      expect(next?.loop.value).toBeGreaterThan(next?.frozen.value ?? 1);
    },
    REPLAY_MS,
  );

  it(
    "enough new labels, which are the failures that were known by then",
    async () => {
      const only = "retraining: { onDrift: false, onDegradation: false, newLabels: 5, coolDown: 7d }";
      const { windows, trainings } = await replay(only, "--until", UNTIL);
      const [first, second] = windows;
      const known = failuresKnown(fleet.files["events.csv"], trainings[0]?.at, first?.to);
      expect(first?.newLabels).toBe(known);
      expect(known).toBeGreaterThan(5);
      expect(trainings[1]).toMatchObject({
        at: first?.to,
        reason: `${known} new labels at the end of window 1`,
      });
      expect(second?.newLabels).toBe(failuresKnown(fleet.files["events.csv"], first?.to, second?.to));
      expect(windows.every(({ performance }) => performance === undefined)).toBe(true);
    },
    REPLAY_MS,
  );

  it(
    "its schedule, at the end of the window that a time of it lies in",
    async () => {
      const only =
        "retraining: { onDrift: false, onDegradation: false, schedule: { cron: 0 3 31 1 * }, coolDown: 7d }";
      const { trainings } = await replay(only, "--until", UNTIL);
      expect(trainings[1]).toMatchObject({ at: onDay(35), reason: "its schedule, in window 2" });
      expect(trainings).toHaveLength(2);
    },
    REPLAY_MS,
  );
});

/** Failures that became known after `from`, up to `to`. */
function failuresKnown(events: string, from = "", to = ""): number {
  const isKnown = (time: string) => {
    const knownAt = Date.parse(time) + DELAY_MS;
    return knownAt > Date.parse(from) && knownAt <= Date.parse(to);
  };
  return events.split("\n").filter((line) => {
    const [, time = "", type] = line.split(",");
    return type === "failure" && isKnown(time);
  }).length;
}
