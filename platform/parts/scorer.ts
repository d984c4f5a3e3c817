import { builtEntry, childEnvironment, httpProbe, isBuilt } from "./node-process.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";

const ENTRY = "workers/scorer.js";

/** The scorer: features of live readings, and the champion's answers to them. */
export const scorerPart: PartDefinition = {
  name: "scorer",
  needs: ["postgres", "objects"],
  ports: ["scorer"],
  isEmbedded: () => isBuilt(ENTRY),
  plan: planScorer,
  probeExternal: async () => `not started: dist/${ENTRY} is not built (npm run build)`,
};

/** Ready when it owns its share of the assets, alive while it answers. */
function planScorer(context: PartContext): PartPlan {
  return {
    name: "scorer",
    stopSignal: "SIGTERM",
    stopGraceMs: 10_000,
    prepare: async () => ({
      file: process.execPath,
      args: ["--enable-source-maps", builtEntry(ENTRY)],
      cwd: context.settings.cwd,
      env: {
        ...childEnvironment(context),
        AURA_SCORER_HOST: "127.0.0.1",
        AURA_SCORER_PORT: String(context.ports.scorer),
      },
    }),
    probe: httpProbe(`http://127.0.0.1:${context.ports.scorer}`),
  };
}
