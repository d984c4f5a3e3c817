import { z } from "zod";
import { N_SHARDS } from "../../schemas/live/shard.ts";
import { dataIdSchema, nameSchema } from "../../schemas/names.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { LiveSourceRow } from "../../stores/postgres/port/live.ts";
import type { FollowedReading, FollowPosition } from "../../stores/postgres/port/online.ts";
import { shownReading } from "../readings/shown-reading.ts";
import type { Channel, ChannelSocket } from "./live-sockets.ts";

const CURSOR = /^(\d{1,20})\.(\d{1,15})$/;
const querySchema = z.strictObject({
  source: nameSchema,
  asset: dataIdSchema.optional(),
  cursor: z.string().regex(CURSOR, "expected the cursor of a frame").optional(),
});
type Query = z.infer<typeof querySchema>;

const POLL_MS = 200;
const ALL_SHARDS = Array.from({ length: N_SHARDS }, (_, shard) => shard);
/** Readings of one frame. */
const FRAME_ROWS = 500;
/** A declaration is believed for so long without asking again. */
const FRESH_MS = 5_000;

type ReadingsDatabase = Pick<Database, "online" | "liveSources">;

/**
 * `WS /readings?source=…&asset=…&cursor=…`: readings as they are committed. Frames are `{type: "readings", cursor, readings}`;
 * with the cursor of the last one seen a socket goes on behind it, however long it was away.
 *
 * Sockets that are up to date share one query; while there are none nobody asks.
 */
export class ReadingsChannel implements Channel<Query> {
  readonly paths = ["/readings", "/v1/readings/live"];
  readonly policy = { role: "viewer", scope: "all-sites" } as const;
  readonly query = querySchema;
  readonly #database: () => ReadingsDatabase;
  /** How far each of them is. */
  readonly #sockets = new Map<ChannelSocket<Query>, FollowPosition>();
  readonly #sources = new Map<string, { readonly row: LiveSourceRow; readonly at: number }>();
  #isClosed = false;
  #following: Promise<void> | undefined;

  constructor(database: () => ReadingsDatabase) {
    this.#database = database;
  }

  async open(socket: ChannelSocket<Query>): Promise<() => void> {
    const { cursor, source } = socket.query;
    if ((await this.#sourceOf(source)) === undefined)
      throw new PlatformError("not_found", `read readings [source ${source}]: there is no such source`);
    this.#sockets.set(
      socket,
      cursor === undefined ? await this.#database().online.present() : positionOf(cursor),
    );
    this.#following ??= this.#follow().finally(() => (this.#following = undefined));
    return () => void this.#sockets.delete(socket);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed && this.#sockets.size > 0) {
      const hasMore = await this.#step().catch(() => false);
      // Also where the database is away: sockets wait, and nothing is passed over.
      if (!hasMore) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Sockets that are as far as each other are given the same; before long those are all of them. */
  async #step(): Promise<boolean> {
    const groups = new Map<string, ChannelSocket<Query>[]>();
    for (const [socket, position] of this.#sockets) {
      const key = cursorOf(position);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [socket]);
      else group.push(socket);
    }
    let hasMore = false;
    for (const [key, sockets] of groups) {
      const asked = await Promise.all(
        [...new Set(sockets.map(({ query }) => query.source))].map((name) => this.#sourceOf(name)),
      );
      const found = await this.#database().online.follow(positionOf(key), {
        sources: asked.flatMap((row) => row?.sourceKey ?? []),
        shards: ALL_SHARDS,
      });
      hasMore ||= found.hasMore || found.readings.length > 0;
      for (const socket of sockets) {
        await this.#send(socket, found.upTo, found.readings);
        if (this.#sockets.has(socket)) this.#sockets.set(socket, found.upTo);
      }
    }
    return hasMore;
  }

  async #send(
    socket: ChannelSocket<Query>,
    position: FollowPosition,
    readings: readonly FollowedReading[],
  ): Promise<void> {
    const { source, asset } = socket.query;
    const row = readings.length === 0 ? undefined : await this.#sourceOf(source);
    if (row === undefined) return;
    const own = readings.filter(
      (one) => one.sourceKey === row.sourceKey && (asset === undefined || one.asset === asset),
    );
    const cursor = cursorOf(position);
    for (let i = 0; i < own.length; i += FRAME_ROWS) {
      const shown = own.slice(i, i + FRAME_ROWS).map((one) => shownReading({ ...one, source }, row.document));
      // Only the last frame of a step may be gone on from: those before it are not all of their commits.
      const isLast = i + FRAME_ROWS >= own.length;
      if (!socket.send(JSON.stringify({ type: "readings", ...(isLast && { cursor }), readings: shown })))
        return;
    }
  }

  async #sourceOf(name: string): Promise<LiveSourceRow | undefined> {
    const known = this.#sources.get(name);
    if (known !== undefined && performance.now() - known.at < FRESH_MS) return known.row;
    const row = await this.#database().liveSources.get(name);
    // Anybody may ask for names that are none.
    if (row !== undefined) this.#sources.set(name, { row, at: performance.now() });
    return row;
  }
}

const cursorOf = ({ tx, batch }: FollowPosition): string => `${tx}.${batch}`;

function positionOf(cursor: string): FollowPosition {
  const [, tx = "0", batch = "0"] = CURSOR.exec(cursor) ?? [];
  return { tx, batch: Number(batch) };
}
