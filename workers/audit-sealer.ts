import type { Logger } from "pino";
import type { Database } from "../stores/postgres/port.ts";

const SEAL_EVERY_MS = 1_000;

/**
 * Chains and anchors new audit rows each second, so that writers never queue on the chain's head. Several workers may run
 * it: `seal` takes a lock and the others find nothing to do.
 */
export function startAuditSealer(db: Database, log: Logger): { stop(): void } {
  let isStopped = false;
  let isFailing = false;
  const loop = async () => {
    while (!isStopped) {
      try {
        await db.audit.seal();
        isFailing = false;
      } catch (error) {
        // Said once per outage: the database comes back or the supervisor says more.
        if (!isFailing) log.warn({ err: error }, "audit rows cannot be sealed now; trying on");
        isFailing = true;
      }
      await new Promise((resolve) => setTimeout(resolve, SEAL_EVERY_MS).unref());
    }
  };
  void loop();
  return { stop: () => void (isStopped = true) };
}
