import type { Answer } from "../../schemas/maintenance/answer.ts";
import type {
  NewRecommendation,
  SeenAnswers,
  WatchedAsset,
  WatchOutcome,
} from "../../stores/postgres/port/maintenance.ts";
import { fleetAnswer, liveAnswer } from "./answers.ts";
import type { MaintainedPipeline } from "./answers.ts";
import { isQuiet, observe, UNWATCHED } from "./watch-state.ts";
import type { Place, WatchState } from "./watch-state.ts";

interface Seen {
  readonly answer: Answer;
  readonly place: Place | null;
}

/**
 * What comes of new answers. Pure: the caller writes it, or nothing of it.
 *
 * @param pipelines by model
 * @param now ms since 1970
 */
export function lookAt(
  seen: SeenAnswers,
  pipelines: ReadonlyMap<string, MaintainedPipeline>,
  now: number,
): WatchOutcome<WatchState> {
  const before = new Map(seen.states.map((one) => [keyOf(one), one.state as WatchState | null]));
  const open = new Set(seen.open);
  const states = new Map<string, WatchedAsset<WatchState>>();
  const updated = new Map<string, Answer>();
  const opened: NewRecommendation[] = [];
  const recovered: { model: string; asset: string }[] = [];
  for (const one of answersOf(seen, pipelines)) {
    const { model, asset } = one.answer;
    const key = keyOf(one.answer);
    const policy = pipelines.get(model)?.maintenance;
    if (policy === undefined) continue;
    const state = states.get(key)?.state ?? before.get(key) ?? UNWATCHED;
    const around = {
      policy,
      isOpen: open.has(key),
      endedAt: seen.endedAt.get(key),
      hasFailed: seen.failed.has(key),
      now,
    };
    const step = observe(state, one, around);
    if (step === undefined) continue;
    const next = isQuiet(step.state) ? null : step.state;
    // Most answers call for nothing, and nothing is remembered of their assets.
    if (next !== null || states.has(key) || before.get(key) != null)
      states.set(key, { model, asset, state: next });
    if (step.change === "recovered") recovered.push({ model, asset });
    if (around.isOpen) updated.set(key, one.answer);
    if (step.change !== "opened") continue;
    open.add(key);
    opened.push({ model, asset, policy, evidence: step.state.answers.filter(({ holds }) => holds) });
  }
  return { states: [...states.values()], opened, updated: [...updated.values()], recovered };
}

/** In the order they were given; a fleet score stands for itself. */
function answersOf(
  { scores, fleet }: SeenAnswers,
  pipelines: ReadonlyMap<string, MaintainedPipeline>,
): Seen[] {
  const live = scores.flatMap((score): Seen[] => {
    const pipeline = pipelines.get(score.model);
    const answer = pipeline === undefined ? undefined : liveAnswer(score, pipeline);
    const { epoch, ts, seq, version } = score;
    return answer === undefined ? [] : [{ answer, place: { epoch, ts, seq, version } }];
  });
  const lines = fleet.flatMap((line): Seen[] => {
    const pipeline = pipelines.get(line.model);
    const answer = pipeline === undefined ? undefined : fleetAnswer(line, pipeline);
    return answer === undefined ? [] : [{ answer, place: null }];
  });
  return [...live, ...lines];
}

const keyOf = ({ model, asset }: { readonly model: string; readonly asset: string }): string =>
  `${model} ${asset}`;
