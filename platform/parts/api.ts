import { builtEntry, childEnvironment, httpProbe, isBuilt } from "./node-process.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";

const ENTRY = "api/main.js";

/** The HTTP server. Ready when /readyz says so, alive while /livez answers. */
export const apiPart: PartDefinition = {
  name: "api",
  needs: ["postgres", "temporal", "objects"],
  ports: ["api"],
  isEmbedded: () => isBuilt(ENTRY),
  plan: planApi,
  probeExternal: async () => `not started: dist/${ENTRY} is not built (npm run build)`,
};

function planApi(context: PartContext): PartPlan {
  return {
    name: "api",
    stopSignal: "SIGTERM",
    stopGraceMs: 10_000,
    prepare: async () => ({
      file: process.execPath,
      args: ["--enable-source-maps", builtEntry(ENTRY)],
      cwd: context.settings.cwd,
      env: childEnvironment(context),
    }),
    // Not ready is no reason to restart: a database that is away makes /readyz false for as long.
    probe: httpProbe(context.apiUrl),
  };
}
