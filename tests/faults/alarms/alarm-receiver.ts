import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Who is told of alerts: takes every other telling with a 503 at first, as receivers do. */
export interface AlarmReceiver {
  readonly url: string;
  /** Tellings by their key, as `hot a1 raised`. */
  readonly told: ReadonlyMap<string, string>;
  /** Tellings that were taken, those with a known key among them. */
  nTaken(): number;
  close(): void;
}

interface Told {
  readonly event: string;
  readonly alert: { readonly rule: string; readonly asset: string };
}

export async function startAlarmReceiver(): Promise<AlarmReceiver> {
  const told = new Map<string, string>();
  const refused = new Set<string>();
  let nTaken = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const key = String(request.headers["idempotency-key"]);
      if (told.size % 2 === 1 && !refused.has(key)) {
        refused.add(key);
        response.writeHead(503).end();
        return;
      }
      const { event, alert } = JSON.parse(Buffer.concat(chunks).toString()) as Told;
      nTaken += 1;
      told.set(key, `${alert.rule} ${alert.asset} ${event}`);
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    told,
    nTaken: () => nTaken,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
