import { featureRefreshReplySchema } from "../../schemas/live/online-features.ts";
import type { FeatureRefreshReply, FeatureRefreshRequest } from "../../schemas/live/online-features.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ScorerAddress } from "../../stores/postgres/port/online.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { FeaturesRefreshInput, FeaturesRefreshResult } from "./messages.ts";

const REFRESH_TIMEOUT_MS = 30_000;
/** What a scorer says of a model that no live source feeds. */
const NOT_FED: ReadonlySet<number> = new Set([404, 409]);

/** What is done with features of live readings beside following them. */
export function createOnlineActivities({ db }: Pick<ActivityDeps, "db">) {
  return {
    /**
     * Has the scorers compute features and scores of assets anew: those whose answer is of another version than the champion,
     * or of an older reading than the newest; or those that were heard of since a moment; or all.
     *
     * **Effects**: scores. **Idempotency**: what is up to date is left alone. **Heartbeat**: 1 s, with what is done.
     * **Retry**: work. **Errors**: features_unavailable: a scorer ended meanwhile.
     */
    async refreshFeatures({
      model: only,
      sinceMs,
      isWhole = false,
    }: FeaturesRefreshInput): Promise<FeaturesRefreshResult> {
      return withHeartbeat(async (beat) => {
        const champions = (await db.registry.models()).filter(
          ({ champion, model }) => champion !== null && (only === undefined || model === only),
        );
        const scorers = await livingScorers(db);
        let models = 0;
        let assets = 0;
        for (const { model } of champions) {
          let isFed = false;
          for (const scorer of scorers) {
            for (let after: string | null = ""; after !== null && !beat.signal.aborted;) {
              const page: FeatureRefreshReply | undefined = await askScorer(scorer, {
                model,
                after,
                isWhole,
                ...(sinceMs === undefined ? {} : { sinceMs }),
              });
              isFed ||= page !== undefined;
              assets += page?.assets ?? 0;
              after = page?.next ?? null;
              beat.report({ model, after, assets });
            }
          }
          models += Number(isFed);
        }
        return { scorers: scorers.length, models, assets };
      });
    },
  };
}

/** None is no failure: there is nothing to bring up to date, and the next run is soon. */
async function livingScorers(db: ActivityDeps["db"]): Promise<readonly ScorerAddress[]> {
  const owners = await db.online.owners();
  return [...new Map(owners.map((owner) => [owner.scorerId, owner])).values()];
}

/** @returns undefined where no live source feeds the model */
async function askScorer(
  { url, secret }: ScorerAddress,
  request: FeatureRefreshRequest,
): Promise<FeatureRefreshReply | undefined> {
  const response = await fetch(`${url}/refresh`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new PlatformError("features_unavailable", `refresh features [${request.model}]: no answer`, {
      cause,
    });
  });
  if (response.ok) return featureRefreshReplySchema.parse(await response.json());
  await response.body?.cancel();
  if (NOT_FED.has(response.status)) return undefined;
  throw new PlatformError(
    "features_unavailable",
    `refresh features [${request.model}]: the scorer answers ${response.status}`,
  );
}
