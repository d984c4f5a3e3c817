import { builtEntry, childEnvironment, isBuilt, requireOk } from "./node-process.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";

const ENTRY = "workers/ingestor.js";

/** What brings readings in from feeds. Ready and alive while it answers. */
export const ingestorPart: PartDefinition = {
  name: "ingestor",
  needs: ["postgres"],
  ports: ["ingestorMetrics", "mqtt"],
  isEmbedded: () => isBuilt(ENTRY),
  plan: planIngestor,
  probeExternal: async () => `not started: dist/${ENTRY} is not built (npm run build)`,
};

function planIngestor(context: PartContext): PartPlan {
  const { settings, ports } = context;
  return {
    name: "ingestor",
    stopSignal: "SIGTERM",
    stopGraceMs: 10_000,
    prepare: async () => ({
      file: process.execPath,
      args: ["--enable-source-maps", builtEntry(ENTRY)],
      cwd: settings.cwd,
      env: {
        ...childEnvironment(context),
        AURA_METRICS_PORT: String(ports.ingestorMetrics),
        AURA_MQTT_PORT: settings.mqtt.port === "off" ? "off" : String(ports.mqtt),
      },
    }),
    probe: (signal) => requireOk(`http://127.0.0.1:${ports.ingestorMetrics}/livez`, signal),
  };
}
