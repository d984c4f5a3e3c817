import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { removeStalePlatforms, startTestPlatform } from "./platform.ts";
import type { TestPlatform, TestServicesReply } from "./platform.ts";

/**
 * One PostgreSQL and one Temporal dev server for the whole run, started when the first test file asks
 * and stopped at its end: a run of unit tests alone starts neither.
 */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<TestPlatform> | undefined;
  const answer = async (): Promise<TestServicesReply> => {
    try {
      started ??= removeStalePlatforms().then(() => startTestPlatform({ parts: ["postgres", "temporal"] }));
      const { databaseUrl, temporalAddress } = (await started).platform.urls;
      return { services: { databaseUrl, temporalAddress, namespace: "default" } };
    } catch (error) {
      const missing = error instanceof Error ? error.message : String(error);
      process.stderr.write(`Suites on PostgreSQL and Temporal are skipped: ${missing}\n`);
      return { missing };
    }
  };
  const server = createServer((_request, response) => {
    void answer().then((reply) => {
      response.setHeader("content-type", "application/json").end(JSON.stringify(reply));
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      project.provide("testServicesUrl", `http://127.0.0.1:${port}`);
      resolve(async () => {
        server.close();
        const platform = await started?.catch(() => undefined); // told to the tests that asked
        await platform?.dispose();
      });
    });
  });
}
