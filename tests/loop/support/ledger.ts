import { Agent, request } from "node:http";
import { z } from "zod";

const replySchema = z.looseObject({
  version: z.int(),
  digest: z.string(),
  predictions: z.array(z.looseObject({ predictionId: z.string(), value: z.number() })).length(1),
});

/** One request, and what came of it. */
export interface LedgerEntry {
  readonly asset: string;
  readonly sentAt: number;
  /** 200; another status of the API; 0: no answer came. */
  readonly status: number;
  readonly version: number;
  readonly value: number;
  readonly ms: number;
}

export interface LedgerPlan {
  readonly perSecond: number;
  /** Inputs of the n-th request. */
  readonly rowOf: (n: number) => { readonly voltage: number; readonly current: number | string };
  /** Cycle that the n-th request is about. */
  readonly timeOf?: (n: number) => number;
  readonly nAssets?: number;
  /** Of the names of assets; default: p. */
  readonly prefix?: string;
  /** Asks again until there is an answer, as clients do when a server goes away. */
  readonly isPatient?: boolean;
}

const PATIENCE_MS = 30_000;

/** No connection; or a server that has just started and does not know its champions yet. */
function isAway(status: number): boolean {
  return status === 0 || status === 503 || status === 409;
}

/** A client that asks at a steady rate and writes down every answer. */
export class Ledger {
  readonly entries: LedgerEntry[] = [];
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  readonly #open = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #n = 0;

  constructor(url: string) {
    this.#url = url;
  }

  begin({ perSecond, rowOf, timeOf, nAssets = 100, prefix = "p", isPatient = false }: LedgerPlan): void {
    const began = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - began) / 1_000) * perSecond;
      for (; this.#n < due; this.#n++) {
        const asset = `${prefix}${this.#n % nAssets}`;
        const times = timeOf === undefined ? {} : { times: [timeOf(this.#n)] };
        const body = JSON.stringify({ rows: [rowOf(this.#n)], assets: [asset], ...times });
        const asked = this.#ask(asset, body, isPatient).finally(() => this.#open.delete(asked));
        this.#open.add(asked);
      }
    }, 10);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  get failed(): LedgerEntry[] {
    return this.entries.filter(({ status }) => status !== 200);
  }

  versionsSince(ms: number): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { version, sentAt } of this.entries)
      if (sentAt >= ms) counts.set(version, (counts.get(version) ?? 0) + 1);
    return counts;
  }

  async #ask(asset: string, body: string, isPatient: boolean): Promise<void> {
    const sentAt = Date.now();
    const began = performance.now();
    const send = () => this.#send(body).catch(() => ({ status: 0, text: "" }));
    let answered = await send();
    while (isPatient && isAway(answered.status) && performance.now() - began < PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      answered = await send();
    }
    const ms = performance.now() - began;
    const reply = answered.status === 200 ? replySchema.parse(JSON.parse(answered.text)) : undefined;
    const value = reply?.predictions[0]?.value ?? Number.NaN;
    const { status } = answered;
    this.entries.push({ asset, sentAt, status, version: reply?.version ?? 0, value, ms });
  }

  #send(body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const asked = request(this.#url, { method: "POST", agent: this.#agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }
}
