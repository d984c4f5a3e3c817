import { cpus, loadavg } from "node:os";

/** Promised of an automatic rollback, from when its guard has what it takes. */
const PROMISED_MS = 5_000;
/** The worker yields to all else: where others want several times what there is, it only gets there in the end. */
const CONGESTED_MS = 60_000;

/** What a rollback may take on this machine as busy as it is. */
export function rollbackLimitMs(): number {
  const [load = 0] = loadavg();
  return load > 3 * cpus().length ? CONGESTED_MS : PROMISED_MS;
}
