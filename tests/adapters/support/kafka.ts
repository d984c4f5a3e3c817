import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Admin } from "@platformatic/kafka";
import { freePort } from "../../support/free-port.ts";
import { until } from "./until.ts";

export interface Kafka {
  readonly broker: string;
  createTopic(topic: string, partitions: number): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const CLUSTER_ID = "QXVyYUFkYXB0ZXJUZXN0cw";

/** One Kafka node in KRaft mode, started with plain java; its data are in the folder. */
export async function startKafka(classPath: string, folder: string): Promise<Kafka> {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const config = join(folder, "kafka.properties");
  await writeFile(
    config,
    [
      "process.roles=broker,controller",
      "node.id=1",
      `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
      `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
      "controller.listener.names=CONTROLLER",
      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
      `log.dirs=${join(folder, "kafka-data")}`,
      "offsets.topic.replication.factor=1",
      "offsets.topic.num.partitions=1",
      "transaction.state.log.replication.factor=1",
      "transaction.state.log.min.isr=1",
      "group.initial.rebalance.delay.ms=0",
      "group.min.session.timeout.ms=1000",
    ].join("\n"),
  );
  execFileSync(
    "java",
    ["-cp", classPath, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", config],
    { stdio: "ignore" },
  );
  const broker = `127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  const withAdmin = async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = new Admin({ clientId: "tests", bootstrapBrokers: [broker], retries: 0 });
    try {
      return await work(admin);
    } finally {
      await admin.close();
    }
  };
  const start = async (): Promise<void> => {
    child = spawn("java", ["-Xmx384m", "-cp", classPath, "kafka.Kafka", config], { stdio: "ignore" });
    await until(
      () =>
        withAdmin((admin) => admin.listTopics()).then(
          () => true,
          () => false,
        ),
      Boolean,
      90_000,
    );
  };
  await start();
  return {
    broker,
    start,
    createTopic: (topic, partitions) =>
      withAdmin(async (admin) => {
        await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
      }),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}
