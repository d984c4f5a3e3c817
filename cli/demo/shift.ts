import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { RunView } from "../../schemas/runs/run.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Connection } from "../connection.ts";
import type { CliContext } from "../context.ts";
import { checkDrift } from "../drift-check.ts";
import { itemsOf } from "../list-view.ts";
import { addPipelineFiles } from "../pipeline-files.ts";
import { readApproval } from "../run/approval.ts";
import { showApproval } from "../run/approval-card.ts";
import { followRun, patient } from "../run/follow-run.ts";
import { hashFiles, openDataFolder } from "../run/local-files.ts";
import { StageProgress } from "../run/stage-progress.ts";
import { demoFolder, makeFleet } from "./fleet.ts";
import type { DemoFleet } from "./fleet.ts";
import { predictAsset } from "./prediction.ts";

/** The same substations a month later: new consumers and hotter rooms since day 30, +50 % load and +16 °C. */
const SHIFT = { days: 60, shiftAtDay: 30, shiftMagnitude: 2 };
/** Answers per asset and batch: above the 500 rows that a verdict needs, over 40 assets. */
const ANSWERS_PER_ASSET = 20;
/** Drift is confirmed by rows that the check before has not seen. */
const BATCHES = 2;
/** Readings sent with each: a week. */
const READINGS_SENT = 168;
const SENT_AT_ONCE = 6;
/** Of examples/substation. */
const PIPELINE = "substation";
const CONFIRM_MS = 150_000;
const WAIT_MS = 3_000;
const RETRAIN_MS = 60_000;

/**
 * Hands the pipeline the shifted month for its next training and sends its readings through /predict, until a drift check
 * finds the shift, and as many more, until the next one confirms it; then follows the retrain that this starts to its approval.
 *
 * @throws {PlatformError} not_ready: the shift was not confirmed, or no retrain started
 */
export async function shiftFleet(context: CliContext, connection: Connection, model: string): Promise<void> {
  const { output, settings } = context;
  const since = new Date().toISOString();
  const fleet = await makeFleet(join(demoFolder(settings().stateDir), "shifted"), SHIFT);
  const folder = openDataFolder(fleet.folder, context.cwd);
  const files = await hashFiles(folder, folder.names, connection.signal);
  await addPipelineFiles(files, { client: connection.client, output, pipeline: PIPELINE });
  for (let batch = 0; batch < BATCHES; batch++) {
    await sendReadings(context, connection, { model, fleet, batch });
    await checkUntil(context, connection, { model, isConfirmed: batch === BATCHES - 1 });
  }
  const run = await findRetrain(connection, model, since);
  output.note(`retrain: run ${run.runId}`);
  const progress = new StageProgress(output);
  const end = await followRun(connection.client, run.runId, {
    signal: connection.signal,
    onView: (view) => progress.update(view),
    until: (view) => view.status === "waiting" && view.approvalId !== undefined,
  });
  await showEnd(context, connection, end);
}

/** Answers are looked at in segments that are shipped every half minute: until then there are too few. */
async function checkUntil(
  { output }: CliContext,
  connection: Connection,
  { model, isConfirmed }: { readonly model: string; readonly isConfirmed: boolean },
): Promise<void> {
  const { client, signal } = connection;
  const deadline = performance.now() + CONFIRM_MS;
  for (let shown = ""; performance.now() < deadline;) {
    const report = await checkDrift(client, model, signal);
    const state = `${report.state.replaceAll("_", " ")}${report.confirmed ? ", confirmed" : ""}`;
    const line = `drift check: ${state} (${report.rows} rows)`;
    if (line !== shown) output.note(line);
    shown = line;
    if (report.confirmed || (!isConfirmed && report.state === "drift")) return;
    await sleep(WAIT_MS, undefined, { signal });
  }
  throw new PlatformError(
    "not_ready",
    `shift of ${model}: no check confirmed it within ${CONFIRM_MS / 1000} s`,
  );
}

async function sendReadings(
  { output }: CliContext,
  connection: Connection,
  { model, fleet, batch }: { readonly model: string; readonly fleet: DemoFleet; readonly batch: number },
): Promise<void> {
  const total = fleet.assets.length * ANSWERS_PER_ASSET;
  const jobs = fleet.assets.flatMap((asset) => {
    const n = fleet.readingsOf(asset);
    // The second half of the readings is the shifted one.
    const step = Math.max(1, Math.floor((n / 2 - READINGS_SENT) / (ANSWERS_PER_ASSET * BATCHES)));
    const answers = Array.from({ length: ANSWERS_PER_ASSET }, (_, i) => i * BATCHES + batch);
    return answers.map((i) => ({ asset, until: n - i * step }));
  });
  let done = 0;
  const sender = async (): Promise<void> => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
      await predictAsset(connection, model, fleet.requestOf(job.asset, READINGS_SENT, job.until));
      done++;
      if (done % 100 === 0) output.progress(`shifted readings: ${done}/${total} answers`);
    }
  };
  await Promise.all(Array.from({ length: SENT_AT_ONCE }, sender));
  output.endProgress();
  output.note(`${total} answers to readings with half as much load again, in rooms 16 °C hotter`);
}

/** The retrain's run, which the drift workflow starts by itself. */
function findRetrain({ client, signal }: Connection, model: string, since: string): Promise<RunView> {
  const ask = async () => {
    const { items } = await client.get("/v1/runs", itemsOf(runViewSchema), { model, limit: 5 });
    const run = items.find((one) => one.startedAt >= since);
    if (run !== undefined) return run;
    throw new PlatformError("not_ready", `retrain of ${model}: none started; one is due per cool-down only`);
  };
  return patient(ask, { signal, patienceMs: RETRAIN_MS })();
}

async function showEnd({ output }: CliContext, connection: Connection, run: RunView): Promise<void> {
  const { client, apiUrl, temporalUiUrl, signal } = connection;
  if (run.status !== "waiting") {
    output.note(`the retrain ended: ${run.outcome ?? run.error?.message ?? run.status}`);
    return;
  }
  const approval = await patient(() => readApproval(client, run.approvalId ?? ""), { signal })();
  showApproval(output, approval, {
    apiUrl,
    ...(temporalUiUrl === undefined ? {} : { temporalUiUrl }),
    ...(run.evaluation === undefined ? {} : { evaluation: run.evaluation }),
  });
  output.line(
    `the retrained ${approval.subject} waits for its approval; until then the old champion answers`,
  );
}
