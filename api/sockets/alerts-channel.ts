import { z } from "zod";
import { SEVERITIES } from "../../schemas/alerts/alert-rule.ts";
import { dataIdSchema, nameSchema } from "../../schemas/names.ts";
import type { AlertEventRow, AlertEventStore } from "../../stores/postgres/port/alerting.ts";
import type { Channel, ChannelSocket } from "./live-sockets.ts";

const querySchema = z.strictObject({
  asset: dataIdSchema.optional(),
  rule: nameSchema.optional(),
  severity: z.enum(SEVERITIES).optional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, "expected the cursor of a frame")
    .optional(),
});
type Query = z.infer<typeof querySchema>;

/** Without word from the database it looks by itself: a notification may be lost with its connection. */
const LOOK_EVERY_MS = 1_000;
const MAX_EVENTS = 500;

/**
 * `WS /alerts?asset=…&rule=…&severity=…&cursor=…`: what happens to alerts, as it is committed. Frames are
 * `{type: "alert", cursor, event, alert}`; with the cursor of the last one a socket goes on behind it.
 *
 * The database wakes it. Sockets that are up to date share one query and one text; while there are none nobody asks.
 */
export class AlertsChannel implements Channel<Query> {
  readonly paths = ["/alerts", "/v1/alerts/live"];
  readonly policy = { role: "viewer", scope: "all-sites" } as const;
  readonly query = querySchema;
  readonly #events: () => AlertEventStore;
  /** Id of the last event that each of them has seen. */
  readonly #sockets = new Map<ChannelSocket<Query>, number>();
  #isClosed = false;
  #following: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isWoken = false;
  #subscribed: Promise<(() => Promise<void>) | undefined> | undefined;

  constructor(events: () => AlertEventStore) {
    this.#events = events;
  }

  async open(socket: ChannelSocket<Query>): Promise<() => void> {
    const { cursor } = socket.query;
    this.#sockets.set(socket, cursor === undefined ? await this.#events().latest() : Number(cursor));
    this.#subscribed ??= this.#events()
      .onEvents(() => this.#wakeUp())
      .catch(() => (this.#subscribed = undefined));
    await this.#subscribed;
    this.#following ??= this.#follow().finally(() => (this.#following = undefined));
    this.#wakeUp();
    return () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#wakeUp();
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wakeUp();
    await this.#following;
    await (
      await this.#subscribed
    )?.();
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed && this.#sockets.size > 0) {
      this.#isWoken = false;
      // Also where the database is away: sockets wait, and nothing is passed over.
      const hasMore = await this.#step().catch(() => false);
      if (!hasMore) await this.#untilWoken();
    }
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #untilWoken(): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Sockets that are as far as each other are given the same; before long those are all of them. */
  async #step(): Promise<boolean> {
    const groups = new Map<number, ChannelSocket<Query>[]>();
    for (const [socket, after] of this.#sockets) {
      const group = groups.get(after);
      if (group === undefined) groups.set(after, [socket]);
      else group.push(socket);
    }
    let hasMore = false;
    for (const [after, sockets] of groups) {
      const events = await this.#events().since(after, MAX_EVENTS);
      const last = events.at(-1);
      if (last === undefined) continue;
      hasMore ||= events.length === MAX_EVENTS;
      const frames = events.map((event) => ({ event, text: frameOf(event) }));
      for (const socket of sockets) {
        for (const { event, text } of frames)
          if (text !== undefined && isOf(socket.query, event) && !socket.send(text)) break;
        if (this.#sockets.has(socket)) this.#sockets.set(socket, last.id);
      }
    }
    return hasMore;
  }
}

/** Alarms that are only pending concern nobody yet. */
function frameOf({ id, kind, alert }: AlertEventRow): string | undefined {
  if (alert === null) return undefined;
  return JSON.stringify({ type: "alert", cursor: String(id), event: kind, alert });
}

function isOf({ asset, rule, severity }: Query, event: AlertEventRow): boolean {
  return (
    (asset === undefined || event.asset === asset) &&
    (rule === undefined || event.rule === rule) &&
    (severity === undefined || event.alert?.severity === severity)
  );
}
