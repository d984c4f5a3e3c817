import { findMetric } from "../../numerics/metrics/metric-table.ts";
import { hashOf, sha256Hex } from "../../schemas/canonical-json.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ReplayLife, ReplayTraining, ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { getDocument, putDocument, readDataset, readPipeline } from "../../stores/objects/documents.ts";
import { getNumbers } from "../../stores/objects/numbers.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import { problemOf } from "../training/problem.ts";
import type { ConcludeInput, ReplayLifeResult, ReplayPlan, TrainingRecord } from "./messages.ts";
import { renderReplayPage } from "./page.ts";
import { momentText, spanText } from "./replay-time.ts";
import type { ArmDifferences, ArmRows, CompareArmsJob } from "./compare-arms.ts";
import { judgementSchema, seenWindowSchema } from "./seen-window.ts";
import type { SeenWindow, StoredArm } from "./seen-window.ts";

/** Puts all windows and trainings together into the result and its page. */
export async function concludeReplay(
  deps: Pick<ActivityDeps, "objects" | "cpu">,
  input: ConcludeInput,
  beat: Beat,
): Promise<ReplayLifeResult> {
  const { objects } = deps;
  const pipeline = await readPipeline(objects, input.spec);
  const seen: SeenWindow[] = [];
  for (const { document } of input.windows) seen.push(await getDocument(objects, document, seenWindowSchema));
  const windows = seen.map(({ window }) => window);
  const trainings: ReplayTraining[] = [];
  for (const record of input.trainings) trainings.push(await trainingOf(objects, record, input));
  const { plan } = input;
  const { timeKind } = plan;
  const { primaryMetric: name, metricTask } = problemOf(pipeline, null);
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
    summary: summaryOf({
      name,
      windows,
      currency: pipeline.costs?.currency,
      difference: await differenceOf(
        deps,
        { seen, metricTask, metric: name, seed: pipeline.split.seed },
        beat,
      ),
    }),
    notes: notesOf(pipeline, plan),
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

interface DifferenceGiven extends Pick<CompareArmsJob, "metricTask" | "metric" | "seed"> {
  readonly seen: readonly SeenWindow[];
}

/** What the loop gained over the windows that have a value on both sides. */
async function differenceOf(
  { objects, cpu }: Pick<ActivityDeps, "objects" | "cpu">,
  { seen, ...job }: DifferenceGiven,
  beat: Beat,
): Promise<ArmDifferences> {
  const windows = [];
  const rowsOf = async ({ rows, threshold, nClasses }: StoredArm): Promise<ArmRows> => {
    const none = new Float64Array();
    const numbers = await getNumbers(objects, rows);
    const { truth = none, truthRaw = none, prediction = none, assets = none, cost = none } = numbers;
    return { truth, truthRaw, prediction, assets, cost, threshold, nClasses };
  };
  for (const { arms, window } of seen)
    if (arms !== undefined && hasBoth(window))
      windows.push({ loop: await rowsOf(arms.loop), frozen: await rowsOf(arms.frozen) });
  return windows.length === 0 ? {} : cpu.run("compareArms", { ...job, windows }, beat);
}

const hasBoth = ({ loop, frozen }: ReplayWindow): boolean => loop.value !== null && frozen.value !== null;

type Compared = ReplayLife["summary"]["whole"];

/** Means over the windows that have a value on both sides, each counted by its rows. */
function meansOf(windows: readonly ReplayWindow[]): Compared {
  const judged = windows.filter(hasBoth);
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
  readonly difference: ArmDifferences;
}): ReplayLife["summary"] {
  const { windows, name, currency, difference } = given;
  const whole = meansOf(windows);
  const replaced = windows.findIndex(({ loop, frozen }) => loop.training !== frozen.training);
  const since = replaced < 0 ? null : { ...meansOf(windows.slice(replaced)), difference };
  const text =
    since === null
      ? `${whole.windows} windows with labels: ${name} ${figure(whole.loop)}; the first model was never replaced`
      : `since the first model was replaced, ${since.windows} windows with labels: ${name} ${figure(since.loop)} with the loop, ${figure(since.frozen)} without${intervalText(difference)}${costText(since, currency)}`;
  return { whole, sinceReplaced: since, text };
}

function intervalText({ quality }: ArmDifferences): string {
  if (quality === undefined || quality.low === null) return "";
  return ` (difference ${figure(quality.value)}, 95 %: ${figure(quality.low)} … ${figure(quality.high)})`;
}

function costText({ costLoop, costFrozen }: Compared, currency = ""): string {
  if (costLoop === undefined || costFrozen === undefined) return "";
  const [loop, frozen] = [costLoop, costFrozen].map((cost) => Math.round(cost).toLocaleString("en"));
  return `; cost of missed failures and false alarms, each by its rows, ${loop} ${currency} with it, ${frozen} without`;
}

const figure = (value: number | null): string =>
  value === null ? "not known" : String(Number(value.toPrecision(4)));

/** What of a replay is not as it would have been live. */
function notesOf(pipeline: Pipeline, { timeKind, labelDelay }: ReplayPlan): string[] {
  const { label, candidates, retraining } = pipeline;
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
  if (retraining.schedule !== undefined && timeKind === "cycle")
    notes.push("Its schedule starts no retrain here: cycles have no dates.");
  if (retraining.newLabels !== undefined && label.kind !== "events")
    notes.push("New labels start no retrain here: they are counted where the label is made of events.");
  if (labelDelay > 0 && isRead)
    notes.push(
      `Features read events of ${sourceOf(label)} as soon as they happen; the label delay holds for labels alone.`,
    );
  return notes;
}

function sourceOf(label: Pipeline["label"]): string {
  return label.kind === "events" ? label.source : "";
}
