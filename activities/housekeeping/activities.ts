import { readFeatureSet } from "../../stores/objects/documents.ts";
import { systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { RemovableDataset } from "./messages.ts";

type HousekeepingDeps = Pick<
  ActivityDeps,
  "db" | "objects" | "replyRetentionMs" | "alertRetentionMs" | "reportRetentionMs"
>;

const REPLIES_PER_STATEMENT = 5_000;
const ALERTS_PER_STATEMENT = 1_000;
const REPORTS_PER_STATEMENT = 1_000;
/** Few: their rows are locked meanwhile, and who puts one again waits. */
const OBJECTS_PER_TRANSACTION = 20;
/** Datasets handled by one run; the next run of the schedule goes on. */
const DATASETS_PER_RUN = 100;
/** Looked through for removable ones: those that a model needs stay in front for ever. */
const DATASETS_LOOKED_AT = 10_000;

/** What goes away by itself. Every step may be repeated: what is gone already is not an error. */
export function createHousekeepingActivities(deps: HousekeepingDeps) {
  const { db } = deps;
  return {
    /**
     * Forgets replies kept for repeated requests once they are older than the configured retention.
     *
     * **Effects**: deleted rows. **Idempotency**: natural. **Heartbeat**: 1 s. **Retry**: work.
     */
    async expireReplies(): Promise<{ replies: number }> {
      return withHeartbeat(async (beat) => {
        const before = new Date(Date.now() - deps.replyRetentionMs).toISOString();
        let replies = 0;
        for (let n = -1; n !== 0 && !beat.signal.aborted; replies += n) {
          n = await db.retention.expireReplies(before, REPLIES_PER_STATEMENT);
        }
        return { replies };
      });
    },

    /**
     * Forgets alerts that have been over for longer than the configured retention, with what happened to them and who was told.
     *
     * **Effects**: deleted rows. **Idempotency**: natural. **Heartbeat**: 1 s. **Retry**: work.
     */
    async expireAlerts(): Promise<{ alerts: number }> {
      return withHeartbeat(async (beat) => {
        const before = new Date(Date.now() - deps.alertRetentionMs).toISOString();
        let alerts = 0;
        for (let n = -1; n !== 0 && !beat.signal.aborted; alerts += Math.max(0, n)) {
          n = await db.retention.expireAlerts(before, ALERTS_PER_STATEMENT);
        }
        return { alerts };
      });
    },

    /**
     * Forgets reports of drift and performance that are older than the configured retention; the newest of each version stays, and
     * what alerts and retrains came of.
     *
     * **Effects**: deleted rows. **Idempotency**: natural. **Heartbeat**: 1 s. **Retry**: work.
     */
    async expireReports(): Promise<{ reports: number }> {
      return withHeartbeat(async (beat) => {
        const before = new Date(Date.now() - deps.reportRetentionMs).toISOString();
        let reports = 0;
        for (const store of [db.drift, db.performance])
          for (let n = -1; n !== 0 && !beat.signal.aborted; reports += Math.max(0, n)) {
            n = await store.expire(before, REPORTS_PER_STATEMENT);
          }
        return { reports };
      });
    },

    /** Datasets past their retention that nothing needs, oldest first. **Effects**: none. **Retry**: work. */
    async listExpiredDatasets(): Promise<{ datasets: RemovableDataset[] }> {
      return withHeartbeat(async () => {
        const expired = await db.retention.expired(DATASETS_LOOKED_AT);
        const datasets = expired
          .filter(({ neededBy }) => neededBy.length === 0)
          .slice(0, DATASETS_PER_RUN)
          .map(({ id, pipeline, owner, retention }) => ({ id, pipeline, owner, retention }));
        return { datasets };
      });
    },

    /**
     * Removes one dataset: rows and cached results in one transaction, which also queues its objects. One that became
     * needed meanwhile stays.
     *
     * **Effects**: deleted rows, queue rows, audit row. **Idempotency**: dataset id. **Heartbeat**: 1 s. **Retry**: work.
     */
    async removeDataset({
      id,
      pipeline,
      owner,
      retention,
    }: RemovableDataset): Promise<{ isRemoved: boolean }> {
      return withHeartbeat(async (beat) => {
        const parts = await featureParts(deps, id, beat);
        const audit = systemAudit("dataset.remove", `dataset/${id}`, { pipeline, owner, retention });
        return { isRemoved: await db.retention.removeDataset(id, parts, audit) };
      });
    },

    /**
     * Deletes queued objects that nothing needs.
     *
     * **Effects**: deleted objects, queue rows. **Idempotency**: object key. **Heartbeat**: 1 s. **Retry**: work.
     */
    async removeObjects(): Promise<{ objects: number }> {
      return withHeartbeat(async (beat) => {
        let objects = 0;
        for (;;) {
          const remove = (key: string) => deps.objects.delete(key);
          const n = await db.retention.removeObjects(OBJECTS_PER_TRANSACTION, remove);
          if (n === 0 || beat.signal.aborted) return { objects: objects + n };
          objects += n;
          beat.report({ objects });
        }
      });
    },
  };
}

/** Parts of the dataset's feature sets that no other feature set has: equal parts are one object. */
async function featureParts(deps: HousekeepingDeps, dataset: string, beat: Beat): Promise<string[]> {
  const own = await partsOf(deps, { dataset }, beat);
  if (own.size === 0) return [];
  for (const key of await partsOf(deps, { dataset, isOthers: true }, beat)) own.delete(key);
  return [...own];
}

async function partsOf(
  { db, objects }: HousekeepingDeps,
  of: { readonly dataset: string; readonly isOthers?: boolean },
  beat: Beat,
): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const ref of await db.retention.featureSets(of)) {
    beat.signal.throwIfAborted();
    for (const part of (await readFeatureSet(objects, ref)).parts) keys.add(part.object.key);
  }
  return keys;
}
