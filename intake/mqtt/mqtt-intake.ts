/**
 * Who may publish readings over MQTT, and where they go: `aura/<source>/<asset>` with one reading, its fields or a list of them, or
 * `aura/<source>` with readings that name their assets themselves.
 */
import { setTimeout as wait } from "node:timers/promises";
import { BlockList, isIPv6 } from "node:net";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { NAME_PATTERN } from "../../schemas/names.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import type { MqttClientInfo, MqttSession } from "../../sources/mqtt/mqtt-server.ts";
import { MqttRefusal } from "../../sources/mqtt/reason.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { KeyRow } from "../../stores/postgres/port/keys.ts";
import { BatchedLookup } from "../batched-lookup.ts";
import { createReadingsOf } from "../feeds/message-readings.ts";
import type { ReadingsOf } from "../feeds/message-readings.ts";
import type { ReadingIntake } from "../reading-intake.ts";
import { KeyCheck } from "./key-check.ts";

export interface MqttIntakeOptions {
  readonly db: Pick<Database, "keys" | "assets" | "liveSources" | "staleAssets">;
  readonly intake: Pick<ReadingIntake, "submit">;
}

/** Roles that may send readings, as over HTTP. */
const SENDERS: readonly KeyRow["role"][] = ["operator", "approver", "admin"];
const ROOT = "aura";
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const ROOM_PAUSE_MS = 100;
/** A database that is away for longer ends the connection; the device sends again. */
const PATIENCE_MS = 20_000;
const SOURCE_FRESH_MS = 5_000;
const MAX_WILL_TEXT = 200;

interface Place {
  readonly source: string;
  readonly asset: string | undefined;
}

/** Readings of one source that go together. */
interface Group {
  readonly gathered: unknown[];
  readonly stored: Promise<void>;
}

interface OpenSource {
  readonly plain: ReadingsOf;
  /** With the asset of the topic. */
  readonly ofTopic: ReadingsOf;
  readonly at: number;
}

export class MqttIntake {
  readonly #options: MqttIntakeOptions;
  readonly #keys: KeyCheck;
  readonly #sources = new Map<string, OpenSource>();
  readonly #groups = new Map<string, Group>();
  /** Sites of assets, for keys that are limited to some. */
  readonly #sites: BatchedLookup<string>;

  constructor(options: MqttIntakeOptions) {
    this.#options = options;
    this.#keys = new KeyCheck(options.db.keys);
    this.#sites = new BatchedLookup({
      foundMs: SOURCE_FRESH_MS,
      missingMs: SOURCE_FRESH_MS,
      ask: async (assets) => {
        const rows = await Promise.all(assets.map((asset) => options.db.assets.list({ asset, limit: 1 })));
        return new Map(rows.flat().flatMap(({ asset, site }) => (site === null ? [] : [[asset, site]])));
      },
    });
  }

  /** The session of a client. @throws {MqttRefusal} it is not let in */
  async admit(client: MqttClientInfo): Promise<MqttSession> {
    const secret = client.password === undefined ? undefined : Buffer.from(client.password).toString("utf8");
    const key = await this.#identify(client, secret);
    const session: MqttSession = {
      identity: key?.id ?? "local",
      publish: async (topic, payload) => {
        const place = placeOf(topic);
        // Revoked meanwhile: within seconds the client may do nothing more.
        await this.#mayPublish(await this.#stillValid(secret), place);
        await this.#store(place, topic, payload);
      },
      will: async (topic, payload) => {
        const place = placeOf(topic);
        if (place.asset === undefined) return;
        await this.#mayPublish(await this.#stillValid(secret), place);
        const text = Buffer.from(payload).toString("utf8").slice(0, MAX_WILL_TEXT);
        await this.#options.db.staleAssets.mark(
          place.source,
          place.asset,
          text === "" ? "last will" : `last will: ${text}`,
        );
      },
    };
    if (client.willTopic !== undefined) await this.#mayPublish(key, placeOf(client.willTopic));
    return session;
  }

  /** @returns undefined where there are no keys, and the client is on this machine */
  async #identify({ address }: MqttClientInfo, secret: string | undefined): Promise<KeyRow | undefined> {
    if (!(await this.#keys.areOn())) {
      if (LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4")) return undefined;
      throw new MqttRefusal("notAuthorized", "connect: without keys only from this machine");
    }
    const key = secret === undefined ? undefined : await this.#keys.verify(secret);
    if (key === undefined) throw new MqttRefusal("credentials", "connect: expected an API key as password");
    if (!SENDERS.includes(key.role))
      throw new MqttRefusal("notAuthorized", `connect: expected the role operator, got ${key.role}`);
    return key;
  }

  async #stillValid(secret: string | undefined): Promise<KeyRow | undefined> {
    if (!(await this.#keys.areOn())) return undefined;
    const key = secret === undefined ? undefined : await this.#keys.verify(secret);
    if (key === undefined) throw new MqttRefusal("notAuthorized", "publish: the key is no longer valid");
    return key;
  }

  /** A key of some sites publishes below assets that are there, and nothing that names its assets itself. */
  async #mayPublish(key: KeyRow | undefined, { asset }: Place): Promise<void> {
    if (key === undefined || key.sites === null) return;
    const site = asset === undefined ? undefined : (await this.#sites.get([asset])).get(asset);
    if (site === undefined || site === null || !key.sites.includes(site))
      throw new MqttRefusal(
        "notAuthorized",
        "publish: the asset of the topic is at none of the sites of the key",
      );
  }

  async #store({ source, asset }: Place, topic: string, payload: Uint8Array): Promise<void> {
    const { plain, ofTopic } = await this.#patiently(() => this.#open(source));
    const readings = (asset === undefined ? plain : ofTopic)({ body: payload, topic });
    await this.#together(source, readings);
  }

  /** Messages that are read in one turn of the loop are one submission: each by itself would cost more than it brings. */
  #together(source: string, readings: readonly unknown[]): Promise<void> {
    let group = this.#groups.get(source);
    if (group === undefined) {
      const gathered: unknown[] = [];
      const stored = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
        this.#groups.delete(source);
        await this.#patiently(() => this.#options.intake.submit(source, "mqtt", gathered));
      });
      this.#groups.set(source, (group = { gathered, stored }));
    }
    for (const reading of readings) group.gathered.push(reading);
    return group.stored;
  }

  /** Where there is no room, or the database starts anew, the messages wait and their clients with them. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isPlatformError(error)) throw error;
        if (error.code === "not_found" || error.code === "source_retired")
          throw new MqttRefusal("topicInvalid", error.message);
        if (error.code !== "too_many_readings" && (!error.isRetryable || Date.now() > deadline)) throw error;
        await wait(ROOM_PAUSE_MS);
      }
    }
  }

  async #open(source: string): Promise<OpenSource> {
    const known = this.#sources.get(source);
    if (known !== undefined && Date.now() - known.at < SOURCE_FRESH_MS) return known;
    const row = await this.#options.db.liveSources.get(source);
    if (row === undefined) throw new MqttRefusal("topicInvalid", `publish: there is no source ${source}`);
    const opened = openedSource(row.document);
    this.#sources.set(source, opened);
    return opened;
  }
}

function openedSource(document: LiveSource): OpenSource {
  const plain = createReadingsOf(undefined, document);
  return {
    plain,
    ofTopic: (message) => {
      const asset = placeOf(message.topic ?? "").asset;
      // The topic is what was judged: a reading that names somebody else is not stored under that name.
      return plain(message).map((reading) =>
        typeof reading === "object" && reading !== null
          ? { ...reading, asset: isOf(reading, asset) ? asset : null }
          : reading,
      );
    },
    at: Date.now(),
  };
}

/** Names nobody, or the asset of the topic. */
function isOf(reading: object, asset: string | undefined): boolean {
  if ("device" in reading) return false;
  return !("asset" in reading) || String(reading.asset) === asset;
}

/** @throws {MqttRefusal} a topic that is not for readings */
function placeOf(topic: string): Place {
  const [root, source = "", ...rest] = topic.split("/");
  if (root !== ROOT || !NAME_PATTERN.test(source))
    throw new MqttRefusal(
      "topicInvalid",
      `topic ${JSON.stringify(topic.slice(0, 64))}: expected ${ROOT}/<source>/<asset>`,
    );
  const asset = rest.join("/");
  return { source, asset: asset === "" ? undefined : asset };
}
