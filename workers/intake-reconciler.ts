import type { Logger } from "pino";
import type { Database } from "../stores/postgres/port.ts";

const RECONCILE_EVERY_MS = 60_000;

/**
 * Holds the ledger of batches against the readings every minute. Several workers may run it: one at a time has the lock.
 * A difference is an alert that somebody must look at: a reading that was acknowledged is not there.
 */
export function startIntakeReconciler(
  db: Pick<Database, "readingUpkeep" | "alerts" | "catalog" | "liveSources">,
  log: Logger,
): { stop(): void } {
  let isStopped = false;
  const loop = async () => {
    while (!isStopped) {
      await new Promise((resolve) => setTimeout(resolve, RECONCILE_EVERY_MS).unref());
      try {
        await reconcile(db);
        await watchSchemas(db);
      } catch (err) {
        log.debug({ err }, "readings cannot be reconciled now; trying on");
      }
    }
  };
  void loop();
  return { stop: () => void (isStopped = true) };
}

/** One look at everything that was committed since the last one. */
export async function reconcile({
  readingUpkeep,
  alerts,
}: Pick<Database, "readingUpkeep" | "alerts">): Promise<void> {
  for (const { source, ledger, found, at } of await readingUpkeep.reconcile()) {
    if (ledger === found) continue;
    await alerts.raise({
      key: `intake/unaccounted/${source}/${at}`,
      kind: "intake",
      severity: "critical",
      subject: `source/${source}`,
      message: `of ${ledger} readings that were committed ${found} are stored`,
      details: { ledger, found },
    });
  }
}

/** Fewer readings say nothing about a source. */
const MIN_READINGS = 100;
const DRIFT_WINDOW_MS = 60 * 60_000;

/** Tells of sources of whose readings in the last hour more than `driftThreshold` do not fit their declaration. */
export async function watchSchemas({
  catalog,
  liveSources,
  alerts,
}: Pick<Database, "catalog" | "liveSources" | "alerts">): Promise<void> {
  const drift = await catalog.schemaDrift(new Date(Date.now() - DRIFT_WINDOW_MS).toISOString());
  if (drift.length === 0) return;
  const sources = new Map((await liveSources.list()).map((row) => [row.document.name, row]));
  for (const { source, received, misfits } of drift) {
    const declared = sources.get(source);
    if (declared === undefined || received < MIN_READINGS) continue;
    const { driftThreshold } = declared.document;
    if (misfits / received <= driftThreshold) await alerts.resolve("schema", `source/${source}`);
    else
      await alerts.raise({
        key: `schema/${source}/${declared.version}`,
        kind: "schema",
        severity: "warning",
        subject: `source/${source}`,
        message: `of ${received} readings of the last hour ${misfits} do not fit the declared columns; \`aura deadletters list --source ${source}\` shows them`,
        details: { received, misfits, driftThreshold, version: declared.version },
      });
  }
}
