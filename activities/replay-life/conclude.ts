import { findMetric } from "../../numerics/metrics/metric-table.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ReplayLife, ReplayTraining, ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { getDocument, putDocument, readDataset, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { problemOf } from "../training/problem.ts";
import type { ConcludeInput, ReplayLifeResult, TrainingRecord } from "./messages.ts";
import { renderReplayPage } from "./page.ts";
import { momentText, spanText } from "./replay-time.ts";
import { judgementSchema, seenWindowSchema } from "./seen-window.ts";

/** Puts all windows and trainings together into the result and its page. */
export async function concludeReplay(
  { objects }: Pick<ActivityDeps, "objects">,
  input: ConcludeInput,
): Promise<ReplayLifeResult> {
  const pipeline = await readPipeline(objects, input.spec);
  const windows: ReplayWindow[] = [];
  for (const { document } of input.windows)
    windows.push((await getDocument(objects, document, seenWindowSchema)).window);
  const trainings: ReplayTraining[] = [];
  for (const record of input.trainings) trainings.push(await trainingOf(objects, record, input));
  const { plan } = input;
  const { timeKind } = plan;
  const name = problemOf(pipeline, null).primaryMetric;
  const { direction } = findMetric(name);
  const replay: ReplayLife = {
    kind: "aura.replay-life/1",
    pipeline: input.pipeline,
    model: input.model,
    dataset: hashOf(await readDataset(objects, input.dataset)),
    timeKind,
    options: {
      begin: momentText(plan.begin, timeKind),
      start: momentText(plan.start, timeKind),
      end: momentText(plan.end, timeKind),
      every: spanText(plan.every, timeKind),
      labelDelay: spanText(plan.labelDelay, timeKind),
      loop: input.options.loop,
    },
    metric: { name, direction },
    ...(pipeline.costs === undefined ? {} : { currency: pipeline.costs.currency }),
    windows,
    trainings,
    summary: summaryOf({ name, windows, currency: pipeline.costs?.currency }),
    notes: notesOf(pipeline, plan.labelDelay > 0),
  };
  const html = new TextEncoder().encode(renderReplayPage(replay));
  return {
    result: await putDocument(objects, replay),
    report: await objects.put(`reports/${sha256Hex(html)}.html`, html),
    summary: replay.summary.text,
  };
}

async function trainingOf(
  objects: ActivityDeps["objects"],
  record: TrainingRecord,
  { plan: { timeKind, labelDelay } }: ConcludeInput,
): Promise<ReplayTraining> {
  const { at, judgement: ref, ...known } = record;
  const judgement = ref === undefined ? undefined : await getDocument(objects, ref, judgementSchema);
  const times = { at: momentText(at, timeKind), knownUntil: momentText(at - labelDelay, timeKind) };
  if (judgement === undefined) return { ...known, ...times, gates: [] };
  const { basis, rows, metrics, championMetrics, gates } = judgement;
  return { ...known, ...times, judgedOn: { basis, rows, metrics, championMetrics }, gates };
}

type Compared = ReplayLife["summary"]["whole"];

/** Means over the windows that have a value on both sides, each counted by its rows. */
export function compareArms(windows: readonly ReplayWindow[]): Compared {
  const judged = windows.filter(({ loop, frozen }) => loop.value !== null && frozen.value !== null);
  const rows = judged.reduce((sum, { loop }) => sum + loop.rows, 0);
  const mean = (arm: "loop" | "frozen") =>
    rows === 0
      ? null
      : judged.reduce((sum, window) => sum + (window[arm].value ?? 0) * window.loop.rows, 0) / rows;
  const cost = (arm: "loop" | "frozen") =>
    windows.some((window) => window[arm].cost !== undefined)
      ? windows.reduce((sum, window) => sum + (window[arm].cost ?? 0), 0)
      : undefined;
  const [costLoop, costFrozen] = [cost("loop"), cost("frozen")];
  return {
    windows: judged.length,
    rows,
    loop: mean("loop"),
    frozen: mean("frozen"),
    ...(costLoop === undefined ? {} : { costLoop }),
    ...(costFrozen === undefined ? {} : { costFrozen }),
  };
}

function summaryOf(given: {
  readonly name: string;
  readonly windows: readonly ReplayWindow[];
  readonly currency: string | undefined;
}): ReplayLife["summary"] {
  const { windows, name, currency } = given;
  const whole = compareArms(windows);
  const replaced = windows.findIndex(({ loop, frozen }) => loop.training !== frozen.training);
  const since = replaced < 0 ? null : compareArms(windows.slice(replaced));
  const text =
    since === null
      ? `${whole.windows} windows with labels: ${name} ${figure(whole.loop)}; the first model was never replaced`
      : `since the first model was replaced, ${since.windows} windows with labels: ${name} ${figure(since.loop)} with the loop, ${figure(since.frozen)} without${costText(since, currency)}`;
  return { whole, sinceReplaced: since, text };
}

function costText({ costLoop, costFrozen }: Compared, currency = ""): string {
  if (costLoop === undefined || costFrozen === undefined) return "";
  return `; cost of missed failures and false alarms ${costLoop} ${currency} with it, ${costFrozen} without`;
}

const figure = (value: number | null): string =>
  value === null ? "not known" : String(Number(value.toPrecision(4)));

/** What of a replay is not as it would have been live. */
function notesOf(pipeline: Pipeline, isDelayed: boolean): string[] {
  const { label, candidates } = pipeline;
  const notes = [
    "A model is in service from the end of the window in which it was retrained: training and approval take no time here.",
  ];
  if (candidates.some(({ search }) => search !== undefined))
    notes.push("Searches are left out: candidates are trained with the parameters that the file declares.");
  if (label.kind === "end_of_life")
    notes.push(
      "A model learns from assets whose series had ended by then, and from no others: the lives known first are the short ones.",
    );
  const isRead = pipeline.features.some((feature) =>
    JSON.stringify(feature).includes(`"source":"${sourceOf(label)}"`),
  );
  if (isDelayed && isRead)
    notes.push(
      `Features read events of ${sourceOf(label)} as soon as they happen; the label delay holds for labels alone.`,
    );
  return notes;
}

function sourceOf(label: Pipeline["label"]): string {
  return label.kind === "events" ? label.source : "";
}
