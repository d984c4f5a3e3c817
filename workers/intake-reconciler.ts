import type { Logger } from "pino";
import type { Database } from "../stores/postgres/port.ts";

const RECONCILE_EVERY_MS = 60_000;

/**
 * Holds the ledger of batches against the readings every minute. Several workers may run it: one at a time has the lock.
 * A difference is an alert that somebody must look at: a reading that was acknowledged is not there.
 */
export function startIntakeReconciler(
  db: Pick<Database, "readingUpkeep" | "alerts">,
  log: Logger,
): { stop(): void } {
  let isStopped = false;
  const loop = async () => {
    while (!isStopped) {
      await new Promise((resolve) => setTimeout(resolve, RECONCILE_EVERY_MS).unref());
      try {
        await reconcile(db);
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
