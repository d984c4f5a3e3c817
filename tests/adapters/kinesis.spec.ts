import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { describeWithServices } from "../support/platform.ts";
import { motoServer } from "./support/cached-tools.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "./support/until.ts";
import { openIntakeBench, readingOf } from "./support/intake-bench.ts";
import type { IntakeBench } from "./support/intake-bench.ts";

const AWS = { AWS_ACCESS_KEY_ID: "tests", AWS_SECRET_ACCESS_KEY: "tests" };
const moto = await motoServer();
if ("missing" in moto) describe.skip("a Kinesis stream", () => it(`skipped: ${moto.missing}`));
else
  await describeWithServices("a Kinesis stream", () => {
    let server: ChildProcess;
    let endpoint: string;
    let client: KinesisClient;
    let bench: IntakeBench;
    let stream: string;
    let nStreams = 0;
    beforeAll(async () => {
      const port = await freePort();
      endpoint = `http://127.0.0.1:${port}`;
      server = spawn(moto.tool, ["-p", String(port)], { stdio: "ignore" });
      await until(
        () =>
          fetch(endpoint).then(
            () => true,
            () => false,
          ),
        Boolean,
      );
      const credentials = { accessKeyId: "tests", secretAccessKey: "tests" };
      const requestHandler = new NodeHttpHandler();
      client = new KinesisClient({ endpoint, region: "us-east-1", credentials, requestHandler });
    });
    afterAll(async () => {
      client.destroy();
      const exited = once(server, "exit");
      server.kill("SIGTERM");
      await exited;
    });
    beforeEach(async () => {
      bench = await openIntakeBench("kinesis");
      stream = `pumps-${++nStreams}`;
      await client.send(new CreateStreamCommand({ StreamName: stream, ShardCount: 2 }));
      await isActive();
    });
    afterEach(() => bench.close());

    const isActive = () =>
      until(
        () => client.send(new DescribeStreamSummaryCommand({ StreamName: stream })),
        ({ StreamDescriptionSummary: summary }) => summary?.StreamStatus === "ACTIVE",
      );
    const feed = (more: object = {}) => ({
      name: "plant",
      source: "pumps",
      from: { kind: "kinesis", stream, endpoint, every: "1s", ...more },
    });
    const send = async (
      from: number,
      count: number,
      body: (n: number) => string = (n) => JSON.stringify(readingOf(`p${n % 7}`, n)),
    ) => {
      for (let at = 0; at < count; at += 500) {
        const size = Math.min(500, count - at);
        await client.send(
          new PutRecordsCommand({
            StreamName: stream,
            Records: Array.from({ length: size }, (_, i) => ({
              PartitionKey: `p${(from + at + i) % 7}`,
              Data: Buffer.from(body(from + at + i)),
            })),
          }),
        );
      }
    };
    const countOnce = async () =>
      (
        await bench.sql<{ n: number; distinct: number }>(
          "select count(*)::int as n, count(distinct row_values[2])::int as distinct from aura.readings",
        )
      )[0];

    it("stores all shards from the oldest on, and their successors when one is split", async () => {
      await send(0, 1_000);
      await bench.startIngestor(AWS);
      await bench.putFeed(feed());
      await until(
        () => bench.stored(),
        (stored) => stored === 1_000,
      );
      const { Shards: shards } = await client.send(new ListShardsCommand({ StreamName: stream }));
      const range = shards?.[0]?.HashKeyRange;
      await client.send(
        new SplitShardCommand({
          StreamName: stream,
          ShardToSplit: shards?.[0]?.ShardId,
          NewStartingHashKey: String(
            (BigInt(range?.StartingHashKey ?? 0) + BigInt(range?.EndingHashKey ?? 0)) / 2n,
          ),
        }),
      );
      await isActive();
      await send(1_000, 1_000);
      await until(
        () => bench.stored(),
        (stored) => stored === 2_000,
        90_000,
      );
      expect(await countOnce()).toEqual({ n: 2_000, distinct: 2_000 });
      expect(await bench.letters()).toEqual([]);
    });

    it("begins at the newest when asked to, also after a restart before anything came", async () => {
      await send(0, 100);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const ingestor = await bench.startIngestor(AWS);
      await bench.putFeed(feed({ start: "newest" }));
      await until(
        () => bench.db.feeds.get("plant"),
        (row) => row?.position !== null,
      );
      await ingestor.kill();
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      await send(100, 50);
      await bench.startIngestor(AWS);
      await until(
        () => bench.stored(),
        (stored) => stored >= 50,
      );
      expect(await bench.stored()).toBe(50);
    });

    it("is killed under load again and again: everything is stored once, poison is listed", async () => {
      await bench.putFeed(feed());
      await send(0, 1_000, (n) => `{poison ${n}`);
      let sent = 0;
      let isLoading = true;
      const load = (async () => {
        while (isLoading) {
          await send(sent, 500);
          sent += 500;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      for (let kills = 0; kills < 3; kills++) {
        const ingestor = await bench.startIngestor(AWS);
        const before = await bench.stored();
        await until(
          () => bench.stored(),
          (stored) => stored > before + 500,
          90_000,
        );
        await ingestor.kill();
      }
      isLoading = false;
      await load;
      await bench.startIngestor(AWS);
      await until(
        () => bench.stored(),
        (stored) => stored >= sent,
        90_000,
      );
      expect(await countOnce()).toEqual({ n: sent, distinct: sent });
      expect(new Set((await bench.letters()).map(({ body }) => body)).size).toBe(1_000);
    });

    it("says why it fails", async () => {
      await bench.startIngestor(AWS);
      await bench.putFeed(feed({ stream: "none" }));
      const row = await until(
        () => bench.db.feeds.get("plant"),
        (one) => one?.state === "failing",
      );
      expect(row?.reason).toContain("invalid_feed: read Kinesis stream [none]");
    });
  });
