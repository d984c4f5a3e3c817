import { confirmDrift } from "../../numerics/drift/confirmation.ts";
import type { WindowVerdict } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import { withoutMinorBins } from "../../numerics/drift/worst-columns.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { timeKindOf } from "../../schemas/pipeline/pipeline.ts";
import type { ReplayWindow } from "../../schemas/runs/replay-life.ts";
import { getDocument, putDocument, readPipeline } from "../../stores/objects/documents.ts";
import { putNumbers } from "../../stores/objects/numbers.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { headline } from "../evaluation/graph-runner.ts";
import { featureRows } from "../evaluation/scoring.ts";
import type { Beat } from "../heartbeat.ts";
import { referenceDocumentSchema } from "../monitoring/reference-document.ts";
import { rowsWhere } from "../split/row-folds.ts";
import { driftOptions } from "../monitoring/drift-options.ts";
import { MOST_ROWS } from "../monitoring/traced-rows.ts";
import type { ArmRows } from "./compare-arms.ts";
import type { ReplayWindowInput, ReplayWindowResult } from "./messages.ts";
import { answersOf, fileOf, seeDataset } from "./replay-version.ts";
import type { SeenDataset } from "./replay-version.ts";
import { momentText } from "./replay-time.ts";
import { seenWindowSchema } from "./seen-window.ts";
import type { SeenWindow, StoredArm } from "./seen-window.ts";
import { labelsSay } from "./window-performance.ts";
import { qualityOf } from "./window-quality.ts";
import type { FoundQuality } from "./window-quality.ts";

/** Drifted columns that the result names; the report has all. */
const SHOWN_COLUMNS = 8;

/** Everything that happens in one window: predictions by the model in service, a drift check, and what they were worth. */
export async function scoreWindow(
  deps: ActivityDeps,
  input: ReplayWindowInput,
  beat: Beat,
): Promise<ReplayWindowResult> {
  const pipeline = await readPipeline(deps.objects, input.spec);
  const served = await askModel(deps, { input, pipeline, model: input.champion }, beat);
  const isFrozen = input.frozen.manifest.sha256 === input.champion.manifest.sha256;
  const frozen = isFrozen ? served : await askModel(deps, { input, pipeline, model: input.frozen }, beat);
  const report = await compare(deps, { pipeline, ...served }, beat);
  const drifted = driftedNames(report);
  const earlier: SeenWindow[] = [];
  for (const ref of input.earlier) earlier.push(await getDocument(deps.objects, ref, seenWindowSchema));
  const { confirmations } = pipeline.monitoring;
  const { stage } = confirmDrift({ state: report.state, drifted }, earlier.map(verdictOf), confirmations);
  const confirmed = stage === "confirmed";
  const said = await labelsOf(deps, { input, pipeline, seen: served.seen, earlier }, beat);
  const kind = timeKindOf(pipeline) === "cycle" ? "cycle" : "timestamp";
  const window: ReplayWindow = {
    index: input.index,
    from: momentText(input.span.from, kind),
    to: momentText(input.span.to, kind),
    rows: served.rows.length,
    loop: served.quality,
    frozen: isFrozen ? served.quality : frozen.quality,
    drift: {
      state: report.state,
      confirmed,
      nDrifted: drifted.length,
      drifted: drifted.slice(0, SHOWN_COLUMNS),
      reason: report.reason,
      report: await putDocument(deps.objects, report),
    },
    ...said,
  };
  const isCompared = !isFrozen && served.seen.problem.kind !== "forecast";
  const arms = isCompared
    ? { loop: await storeArm(deps, served.judged), frozen: await storeArm(deps, frozen.judged) }
    : undefined;
  const seen: SeenWindow = {
    kind: "aura.replay-window/1",
    window,
    drifted,
    ...(arms === undefined ? {} : { arms }),
  };
  return {
    document: await putDocument(deps.objects, seen),
    state: report.state,
    confirmed,
    detail: report.reason.slice(0, 500),
    ...(said.performance?.confirmed === true ? { degraded: said.performance.reason } : {}),
    ...(said.newLabels === undefined ? {} : { newLabels: said.newLabels }),
  };
}

function labelsOf(
  deps: ActivityDeps,
  given: {
    readonly input: ReplayWindowInput;
    readonly pipeline: Pipeline;
    readonly seen: SeenDataset;
    readonly earlier: readonly SeenWindow[];
  },
  beat: Beat,
): Promise<Pick<ReplayWindow, "performance" | "newLabels">> {
  const { input, pipeline, seen, earlier } = given;
  const { watch, dataset, span } = input;
  if (watch === undefined) return Promise.resolve({});
  const states = earlier.flatMap(({ window: { performance } }) => performance?.state ?? []);
  return labelsSay(deps, { pipeline, seen, dataset, watch, now: span.to, earlier: states }, beat);
}

async function storeArm(
  { objects }: ActivityDeps,
  { threshold, nClasses, ...rows }: ArmRows,
): Promise<StoredArm> {
  return { rows: await putNumbers(objects, rows), threshold, nClasses };
}

const verdictOf = ({ window, drifted }: SeenWindow): WindowVerdict => ({
  state: window.drift.state,
  drifted,
});

interface Asked extends FoundQuality {
  readonly seen: SeenDataset;
  readonly rows: Int32Array;
  readonly answers: Float64Array;
}

async function askModel(
  deps: ActivityDeps,
  given: {
    readonly input: ReplayWindowInput;
    readonly pipeline: Pipeline;
    readonly model: ReplayWindowInput["champion"];
  },
  beat: Beat,
): Promise<Asked> {
  const { input, pipeline, model } = given;
  const { dataset, span, end } = input;
  const seen = await seeDataset(deps, { model, dataset, pipeline, hasLabel: true }, beat);
  const rows = rowsIn(seen.table.t, span);
  const answers = await answersOf(deps, seen, rows);
  const found = await qualityOf(deps, { pipeline, seen, rows, answers, end }, beat);
  return { seen, rows, answers, ...found };
}

/** Of more rows than a drift check of a served model reads an even sample, the same one for both models. */
function rowsIn(t: Float64Array, { from, to }: ReplayWindowInput["span"]): Int32Array {
  const rows = rowsWhere(t.length, (row) => (t[row] as number) >= from && (t[row] as number) < to);
  const step = Math.ceil(rows.length / MOST_ROWS);
  return step <= 1 ? rows : rows.filter((_, i) => i % step === 0);
}

/** The check of `aura drift`, on what the model was asked in the window instead of on recorded predictions. */
async function compare(
  deps: ActivityDeps,
  given: Pick<Asked, "seen" | "rows" | "answers"> & { readonly pipeline: Pipeline },
  beat: Beat,
): Promise<DriftReport> {
  const { seen, rows, answers, pipeline } = given;
  const { table, problem, version } = seen;
  const { inputs, output } = version.signature;
  const nOutputs = rows.length === 0 ? 1 : answers.length / rows.length;
  const reference = await getDocument(
    deps.objects,
    fileOf(version.manifest, "reference"),
    referenceDocumentSchema,
  );
  const report = await deps.cpu.run(
    "compareWindow",
    {
      reference,
      window: {
        nRows: rows.length,
        features: featureRows(table, rows),
        nFeatures: table.features.length,
        outputs: answers,
        nOutputs,
        assets: Array.from(rows, (row) => table.assets[table.assetCodes[row] as number] as string),
      },
      scores: headline({ outputs: answers, nOutputs }, problem.kind, output.forecast),
      categories: Object.fromEntries(inputs.map(({ name, values }) => [name, values ?? []])),
      scoreTexts: output.classLabels ?? [],
      options: driftOptions(pipeline.monitoring, MOST_ROWS),
    },
    beat,
  );
  return withoutMinorBins(report);
}
