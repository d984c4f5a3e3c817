import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { replayLifeSchema } from "../../schemas/runs/replay-life.ts";
import type { ReplayLife } from "../../schemas/runs/replay-life.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { createCli } from "../support/cli.ts";
import type { Ended } from "../support/cli.ts";
import { describeWithServices } from "../support/platform.ts";
import { REFITTED_FLEET, refittedFleet } from "../support/refitted-fleet.ts";

/** History replayed as users do it: the command as a process, on a fleet that is refitted at mid-time. */

/** Seconds where the machine is free; it may be shared. */
const REPLAY_MS = 400_000;
const DAY_MS = 86_400_000;
const BEGIN_MS = Date.parse("2024-01-01T00:00:00Z");
const REFIT = new Date(BEGIN_MS + REFITTED_FLEET.refitAtDay * DAY_MS).toISOString();
const HORIZON_MS = 3 * DAY_MS;
const DELAY_MS = DAY_MS;
/** In the middle of the fifth window. */
const CHANGED_FROM = new Date(BEGIN_MS + 59.5 * DAY_MS).toISOString();

await describeWithServices("a replayed life", () => {
  const folder = mkdtempSync(join(tmpdir(), "aura-replay-"));
  let undisturbed: FaultyPlatform;
  let disturbed: FaultyPlatform;
  let first: ReplayLife;
  let firstText: string;

  beforeAll(async () => {
    const fleet = await refittedFleet();
    writeFileSync(join(folder, "pipeline.yaml"), fleet.pipeline);
    for (const kind of ["fleet", "altered"]) {
      mkdirSync(join(folder, kind));
      for (const [name, text] of Object.entries(fleet.files))
        writeFileSync(join(folder, kind, name), kind === "fleet" ? text : withOtherFuture(text));
    }
    [undisturbed, disturbed] = await Promise.all([FaultyPlatform.start(), FaultyPlatform.start()]);
  }, REPLAY_MS);
  afterAll(async () => {
    await Promise.all([undisturbed, disturbed].map((platform) => platform?.dispose()));
    rmSync(folder, { recursive: true, force: true });
  });

  const replay = (platform: FaultyPlatform, ...more: string[]): Promise<Ended> =>
    createCli({
      cwd: folder,
      env: { ...process.env, AURA_API_URL: platform.apiUrl, NO_COLOR: "1" } as Record<string, string>,
      timeoutMs: REPLAY_MS,
    })("replay-life", "pipeline.yaml", "--data", "fleet", "--label-delay", "1d", "--json", ...more);
  const resultOf = ({ code, stdout, stderr }: Ended): ReplayLife => {
    expect(code, stderr).toBe(0);
    return replayLifeSchema.parse(JSON.parse(stdout));
  };

  it(
    "drops at the change, is found drifting in two windows, and comes back with the loop alone",
    async () => {
      const ended = await replay(undisturbed, "--report", "life.html");
      first = resultOf(ended);
      firstText = ended.stdout;
      const { windows, trainings } = first;
      const before = windows.filter(({ to }) => to <= REFIT);
      const after = windows.filter(({ from }) => from >= REFIT);
      const quality = (list: typeof windows, arm: "loop" | "frozen") => {
        const known = list.flatMap((window) => window[arm].value ?? []);
        expect(known.length).toBeGreaterThan(0);
        return known.reduce((sum, value) => sum + value, 0) / known.length;
      };
      const usual = quality(before, "loop");
      expect(quality(after.slice(0, 2), "loop")).toBeLessThan(usual / 2);
      const confirmed = after.findIndex(({ drift }) => drift.confirmed);
      expect(confirmed).toBeGreaterThanOrEqual(0);
      expect(confirmed).toBeLessThan(2);
      const retrained = trainings.filter(({ at, outcome }) => outcome === "promoted" && at > REFIT);
      expect(retrained[0]?.at).toBe(after[confirmed]?.to);
      const restored = after.filter(({ from }) => from >= (retrained[0]?.at ?? ""));
      expect(quality(restored, "loop")).toBeGreaterThan(0.8 * usual);
      expect(quality(restored, "frozen")).toBeLessThan(usual / 2);
      expect(first.summary.sinceReplaced?.difference?.quality?.low).toBeGreaterThan(0);
    },
    REPLAY_MS,
  );

  it("knew nothing at a training that came later", () => {
    for (const { at, knownUntil } of first.trainings)
      expect(Date.parse(at) - Date.parse(knownUntil)).toBe(DELAY_MS);
  });

  it(
    "killed in the middle again and again, comes to the same bytes, from nothing that was computed before",
    async () => {
      const running = replay(disturbed);
      let isOver = false;
      void running.finally(() => (isOver = true));
      for (let kill = 0; kill < 3 && !isOver; kill++) {
        await sleep(4_000);
        await disturbed.signal("worker", "SIGKILL", inMs(REPLAY_MS));
      }
      const ended = await running;
      resultOf(ended);
      expect(ended.stdout).toBe(firstText);
      expect(disturbed.restarts).toBeGreaterThan(1);
    },
    REPLAY_MS,
  );

  it(
    "has the same past where the future is another: trainings, drift and quality that were known by then",
    async () => {
      const other = resultOf(await replay(disturbed, "--data", "altered"));
      expect(other.dataset).not.toBe(first.dataset);
      const knownBy = <T extends { readonly at: string }>(list: readonly T[]) =>
        list.filter(({ at }) => at <= CHANGED_FROM);
      expect(knownBy(other.trainings)).toEqual(knownBy(first.trainings));
      expect(knownBy(first.trainings).length).toBeGreaterThan(1);
      const seenBy = (life: ReplayLife) => life.windows.filter(({ to }) => to <= CHANGED_FROM);
      expect(seenBy(other).map(({ drift }) => drift)).toEqual(seenBy(first).map(({ drift }) => drift));
      const labelledBy = ({ to }: { readonly to: string }) =>
        Date.parse(to) + HORIZON_MS <= Date.parse(CHANGED_FROM);
      const labelled = (life: ReplayLife) => life.windows.filter(labelledBy);
      expect(labelled(other)).toEqual(labelled(first));
      expect(labelled(first).length).toBeGreaterThan(2);
      expect(other.windows.at(-1)).not.toEqual(first.windows.at(-1));
    },
    REPLAY_MS,
  );

  it(
    "without the loop is what it is without it",
    async () => {
      const frozen = resultOf(await replay(undisturbed, "--no-loop"));
      expect(frozen.trainings).toHaveLength(1);
      expect(frozen.windows.map(({ loop }) => loop)).toEqual(first.windows.map(({ frozen: alone }) => alone));
    },
    REPLAY_MS,
  );

  const refusals: [name: string, more: string[], code: number, text: string][] = [
    ["a start outside of history", ["--start", "2031-01-01T00:00:00Z"], 2, "replay-life [start]"],
    ["windows without end", ["--every", "1s"], 2, "at most 400"],
    ["a span that is none", ["--every", "soon"], 2, "--every"],
    ["cycles where there are timestamps", ["--label-delay", "50"], 2, "a duration such as 7d"],
  ];
  it.each(refusals)(
    "refuses %s",
    async (_, more, code, text) => {
      const ended = await replay(undisturbed, ...more);
      expect(ended.code).toBe(code);
      const { error } = JSON.parse(ended.stdout) as { error: { message: string } };
      expect(error.message).toContain(text);
    },
    REPLAY_MS,
  );
});

/** Later readings are three times as large, and there is no failure any more. */
function withOtherFuture(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const isLater = (line.split(",")[1] ?? "") > CHANGED_FROM.replace(".000", "");
      if (!isLater || !line.startsWith("SUB")) return line;
      return line
        .replace("failure", "inspection")
        .replace(/,(\d+\.\d+),/, (_, n: string) => `,${(0.5 * Number(n)).toFixed(3)},`);
    })
    .join("\n");
}
