import { findMetric } from "../../numerics/metrics/metric-table.ts";
import { normalCdf } from "../../numerics/stats/normal.ts";
import type { RolloutGuards } from "../../schemas/pipeline/rollout.ts";
import type { Database, PredictionWindow, RolloutRow } from "../../stores/postgres/port.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { PredictionRole } from "../../schemas/serving/prediction.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { judgedVersion, whyNotJudged } from "../performance/judged-version.ts";
import type { JudgedVersion, PerformanceDeps } from "../performance/judged-version.ts";
import { predictedRows } from "../performance/predicted-rows.ts";
import { realizedIn } from "../performance/realized.ts";
import type { RealizedPerformance } from "../performance/realized.ts";
import type { Breach } from "./guards.ts";
import { counterparts, pairRows } from "./paired-rows.ts";

type QualityGuard = Pick<RolloutGuards, "quality" | "significance">;

type QualityDeps = PerformanceDeps & Pick<ActivityDeps, "log">;

/** Between two looks at labels at least; a look that took longer is followed by a pause as long. */
const LOOK_MS = 2_000;
/** At most: a look at very many rows, or on a busy machine, must not put off the next one for long. */
const MOST_MS = 30_000;

/** Looks at labels beside a watch of counters, which must not wait for it. */
export class QualityWatch {
  readonly #deps: QualityDeps;
  #breach: Breach | undefined;
  #isLooking = false;
  #dueMs = 0;

  constructor(deps: QualityDeps) {
    this.#deps = deps;
  }

  /** What the last look has found. */
  look(row: RolloutRow): Breach | undefined {
    const began = Date.now();
    if (this.#isLooking || began < this.#dueMs) return this.#breach;
    this.#isLooking = true;
    judgeQuality(this.#deps, row)
      .then((breach) => (this.#breach = breach))
      // It is away: asked again after the pause.
      .catch((err: unknown) => this.#deps.log.warn({ err, rollout: row.id }, "labels could not be looked at"))
      .finally(() => {
        this.#isLooking = false;
        this.#dueMs = Date.now() + Math.min(MOST_MS, Math.max(LOOK_MS, Date.now() - began));
      });
    return this.#breach;
  }
}

/**
 * Realized quality of the new version beside the champion's on the same rows: in shadow its shadows beside the champion's
 * answers, in a canary its answers beside the champion's shadows. Rows that either has no answer to are judged on neither side, so
 * that a version that fails on hard ones looks no better for it; that it fails is the guards' of errors. Labels that come late
 * count for the stage whose predictions they are about, those of one prediction also for the other version's of the same row.
 */
export async function judgeQuality(deps: QualityDeps, row: RolloutRow): Promise<Breach | undefined> {
  try {
    return await compareRealized(deps, row);
  } catch (err) {
    // A version made elsewhere may lack what its answers are judged by: it is not judged, and the other guards are.
    if (!isPlatformError(err) || err.isRetryable) throw err;
    deps.log.info({ err, rollout: row.id }, "the quality of this rollout cannot be judged");
    return undefined;
  }
}

async function compareRealized(deps: PerformanceDeps, row: RolloutRow): Promise<Breach | undefined> {
  const { guards } = row.plan;
  if (guards.quality === false) return undefined;
  const candidate = await versionOf(deps, row, { digest: row.digest, runId: row.runId });
  const champion = await versionOf(deps, row, { digest: row.championDigest });
  if ([candidate, champion].some((one) => whyNotJudged(one) !== undefined)) return undefined;
  for (const period of await periodsOf(deps.db, row)) {
    const both = { candidate, champion, least: guards.quality.minLabels };
    const realized = await realizedOfPairs(deps, both, period);
    if (realized === undefined) continue;
    const breach = compareQuality(realized.candidate, realized.champion, guards);
    if (breach !== undefined) return breach;
  }
  return undefined;
}

async function versionOf(
  deps: PerformanceDeps,
  { model }: RolloutRow,
  { digest, runId }: { readonly digest: string; readonly runId?: string | null },
): Promise<JudgedVersion> {
  const row = await deps.db.registry.byDigest(model, digest);
  if (row !== undefined) return judgedVersion(deps, row, runId);
  throw new PlatformError("not_found", `judge [${model}]: there is no version ${digest}`);
}

interface BothVersions {
  readonly candidate: JudgedVersion;
  readonly champion: JudgedVersion;
  /** Labelled rows below which nothing is measured. */
  readonly least: number;
}

/** Of the rows that both have answered in a period; undefined: too few of them are labelled. */
async function realizedOfPairs(
  deps: PerformanceDeps,
  versions: BothVersions,
  { mode, since, until }: Period,
) {
  const roles = ROLES_OF[mode];
  const windowOf = ({ row }: JudgedVersion, role: PredictionRole): PredictionWindow => {
    const { model, digest, version } = row;
    return { model, digest, version, since, until, role };
  };
  const ofCandidate = windowOf(versions.candidate, roles.candidate);
  const ofChampion = windowOf(versions.champion, roles.champion);
  const pairs = pairRows(
    await predictedRows(deps, versions.candidate, ofCandidate, "row"),
    await predictedRows(deps, versions.champion, ofChampion, "row"),
  );
  if (pairs.candidate.rows.length === 0) return undefined;
  const { primaryMetric } = versions.candidate.problem;
  const common = { asOf: new Date().toISOString(), metric: primaryMetric, least: versions.least };
  const candidate = await realizedIn(deps, versions.candidate, ofCandidate, {
    ...common,
    predicted: pairs.candidate,
    beside: { window: ofChampion, counterparts: counterparts(pairs.candidate, pairs.champion) },
  });
  if (candidate.labelled < versions.least) return undefined;
  const champion = await realizedIn(deps, versions.champion, ofChampion, {
    ...common,
    predicted: pairs.champion,
    beside: { window: ofCandidate, counterparts: counterparts(pairs.champion, pairs.candidate) },
  });
  return { candidate: { ...candidate, primaryMetric }, champion };
}

const ROLES_OF = {
  shadow: { candidate: "shadow", champion: "answer" },
  canary: { candidate: "answer", champion: "shadow" },
} as const;

interface Period {
  readonly mode: RolloutRow["mode"];
  readonly since: string;
  readonly until: string;
}

/** When it was in shadow, and when it answered. */
async function periodsOf({ rollouts }: Pick<Database, "rollouts">, row: RolloutRow): Promise<Period[]> {
  const now = new Date().toISOString();
  const canary = (await rollouts.events(row.id)).find(({ share }) => share > 0)?.at;
  const shadow: Period = { mode: "shadow", since: row.startedAt, until: canary ?? now };
  if (canary === undefined) return [shadow];
  return [shadow, { mode: "canary", since: canary, until: now }];
}

/**
 * Whether the metric is worse than the champion's by more than `maxWorse`, and beyond chance.
 *
 *   worse = (a − b) / |b| where lower is better, (b − a) / |b| else;  z = |a − b| / √(s_a² + s_b²),  s = (high − low) / 3.92
 *
 * Both are judged on the same rows, so that their errors go together: as if they did not, z is too small, and the test careful.
 */
export function compareQuality(
  candidate: Pick<RealizedPerformance, "metrics" | "intervals" | "labelled" | "primaryMetric">,
  champion: Pick<RealizedPerformance, "metrics" | "intervals" | "labelled">,
  { quality, significance }: QualityGuard,
): Breach | undefined {
  if (quality === false) return undefined;
  const { primaryMetric: metric } = candidate;
  const [a, b] = [candidate.metrics[metric], champion.metrics[metric]];
  const [errorOfA, errorOfB] = [standardError(candidate, metric), standardError(champion, metric)];
  if (a === undefined || b === undefined || errorOfA === undefined || errorOfB === undefined)
    return undefined;
  if (Math.min(candidate.labelled, champion.labelled) < quality.minLabels) return undefined;
  const loss = findMetric(metric).direction === "lower" ? a - b : b - a;
  const worse = loss / Math.max(Math.abs(b), Number.MIN_VALUE);
  const z = loss / Math.max(Math.hypot(errorOfA, errorOfB), Number.MIN_VALUE);
  if (worse <= quality.maxWorse || 1 - normalCdf(Math.min(z, 30)) >= significance) return undefined;
  const short = (value: number): string => Number(value.toPrecision(3)).toString();
  return {
    guard: "quality",
    reason: `${metric} of the new version is ${short(a)} on ${candidate.labelled} labelled predictions, the champion's ${short(b)}: ${short(100 * worse)} % worse (borne ${short(100 * quality.maxWorse)} %)`,
    details: { metric, candidate: a, champion: b, worse, z, labelled: candidate.labelled },
  };
}

/** From the interval of 95 %. */
function standardError(
  { intervals }: Pick<RealizedPerformance, "intervals">,
  metric: string,
): number | undefined {
  const interval = intervals[metric];
  return interval === undefined ? undefined : (interval[1] - interval[0]) / 3.92;
}
