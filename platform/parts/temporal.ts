import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "@temporalio/client";
import { devServerArguments } from "../../temporal-config/dev-server.ts";
import { isNamespaceReady } from "../../temporal-config/namespace.ts";
import { resolveTemporalBinary } from "../../temporal-config/server-binary.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";

/** Temporal: a dev server on loopback with a file database, or the user's own through TEMPORAL_ADDRESS. */
export const temporalPart: PartDefinition = {
  name: "temporal",
  needs: [],
  ports: ["temporal", "temporalUi"],
  isEmbedded: (settings) => settings.temporal.address === undefined,
  plan: planTemporal,
  async probeExternal(context) {
    const { prepareExternalServer } = await import("./temporal-server.ts");
    return prepareExternalServer(context.settings);
  },
};

function planTemporal(context: PartContext): PartPlan {
  const { settings, paths, ports } = context;
  const { namespace } = settings.temporal;
  const databaseFile = join(paths.temporal, "temporal.db");
  const complete = join(paths.temporal, "complete");
  let connection: Promise<Connection> | undefined;
  // The gRPC library takes 0.2 s to load: that is done while the server starts.
  const server = import("./temporal-server.ts");
  const connected = async () => {
    connection ??= (await server).connectEmbedded(context.temporalAddress);
    return connection.catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
  };
  return {
    name: "temporal",
    stopSignal: "SIGTERM",
    stopGraceMs: 10_000,
    // Workflows may wait a moment for those who ask the API.
    niceness: 10,
    async prepare() {
      mkdirSync(paths.temporal, { recursive: true, mode: 0o700 });
      const { path } = await resolveTemporalBinary({
        ...(settings.temporal.cli === undefined ? {} : { cli: settings.temporal.cli }),
        environment: settings.environment,
        onProgress: (message) => context.onProgress("temporal", message),
        signal: context.signal,
      });
      const { temporal: port, temporalUi: uiPort } = ports;
      return {
        file: path,
        args: devServerArguments({ databaseFile, port, uiPort, namespace }),
        cwd: paths.temporal,
        env: { HOME: paths.temporal, TZ: "UTC" },
      };
    },
    async beforeSpawn() {
      // A server killed while it made its tables never starts on them; nothing was stored in them yet.
      if (existsSync(complete)) return;
      for (const suffix of ["", "-wal", "-shm"]) rmSync(databaseFile + suffix, { force: true });
    },
    async probe() {
      if (!(await isNamespaceReady(await connected(), namespace)))
        throw new Error("the namespace does not answer");
    },
    async afterReady() {
      const warning = await (
        await server
      ).prepareEmbeddedServer(await connected(), context.temporalAddress, namespace);
      if (existsSync(complete)) return;
      writeFileSync(complete, "");
      // Once for each state folder: the same words at every start are not read.
      if (warning !== undefined) context.onWarning("temporal", warning);
    },
    dispose: async () => (await connection)?.close(),
  };
}
