import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { nErrors } from "../schemas/serving/rollout.ts";
import type { Candidates } from "./serving/rollout/candidates.ts";

/** What this process sees of the versions that serve beside champions, in their present stage; nothing while there are none. */
export function watchRollouts(registry: Registry, candidates: Pick<Candidates, "list">): void {
  const labelNames = ["model", "version"] as const;
  const gauge = (name: string, help: string, read: (one: ReturnType<Candidates["list"]>[number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const one of candidates.list()) {
          const { model, version } = one.served;
          this.set({ model, version: String(version) }, read(one));
        }
      },
    });
  gauge(
    "aura_rollout_share",
    "Per cent of the requests that the new version answers; 0 in shadow.",
    (one) => one.share,
  );
  gauge(
    "aura_rollout_requests",
    "Requests put to the new version in its present stage, by this process.",
    ({ meter }) => meter.counts.candidate.requests,
  );
  gauge("aura_rollout_failures", "Of those, requests that it could not answer.", ({ meter }) =>
    nErrors(meter.counts.candidate),
  );
  gauge(
    "aura_rollout_compared_rows",
    "Rows that both versions answered in the present stage, by this process.",
    ({ meter }) => meter.counts.pairs,
  );
}
