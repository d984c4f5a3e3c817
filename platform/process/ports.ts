import { createServer } from "node:net";

/** Whether this process may listen on the port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) === port;
}

/**
 * Chooses a port for each name: the remembered one when it is free, then the preferred one, else any.
 * No port is given twice. Between this choice and the child's own listening another process may take a
 * port; the child then fails to start and says so.
 *
 * @param names       in the order in which they choose
 * @param remembered  of the last start
 * @param preferred   well-known defaults, tried once
 */
export async function choosePorts<N extends string>(
  names: readonly N[],
  remembered: Readonly<Partial<Record<N, number>>>,
  preferred: Readonly<Partial<Record<N, number>>>,
): Promise<Record<N, number>> {
  const chosen = new Map<N, number>();
  const taken = () => [...chosen.values()];
  for (const name of names) {
    for (const candidate of [remembered[name], preferred[name]]) {
      if (candidate === undefined || chosen.has(name) || taken().includes(candidate)) continue;
      if (await isPortFree(candidate)) chosen.set(name, candidate);
    }
    while (!chosen.has(name)) {
      const port = await listenOnce(0);
      if (port !== undefined && !taken().includes(port)) chosen.set(name, port);
    }
  }
  return Object.fromEntries(chosen) as Record<N, number>;
}

/** Listens on a port (0: any) and closes again. @returns the port, or undefined when it is taken */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = server.address();
      const actual = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(actual));
    });
  });
}
