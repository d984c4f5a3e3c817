import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const KAFKA_VERSION = "3.9.1";
export const MOTO_VERSION = "5.1.22";

/** A tool, or why it cannot be had on this machine. */
export type Tool<T> = { readonly tool: T } | { readonly missing: string };

/** Folder for what is fetched once; outside of the repository. */
const CACHE = process.env["AURA_TEST_CACHE"] ?? join(homedir(), ".cache", "aura");
const FETCH_WITHIN_MS = 170_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>aura</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency></dependencies></project>
`;

/** Class path of Kafka's own jars, fetched through Maven once (46 MB). */
export async function kafkaJars(): Promise<Tool<string>> {
  const folder = join(CACHE, `kafka-${KAFKA_VERSION}`);
  try {
    await run("java", ["-version"]);
    if (!existsSync(folder))
      await fetchInto(folder, async (target, work) => {
        await writeFile(join(work, "pom.xml"), POM);
        await run(
          "mvn",
          [
            "-q",
            "-B",
            "-f",
            join(work, "pom.xml"),
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            `-DoutputDirectory=${target}`,
          ],
          { timeout: FETCH_WITHIN_MS },
        );
      });
    if (!(await readdir(folder)).some((name) => name.startsWith("kafka_")))
      throw new Error(`no Kafka in ${folder}`);
    return { tool: join(folder, "*") };
  } catch (error) {
    return { missing: `Kafka ${KAFKA_VERSION} needs java, and mvn to fetch it once: ${firstLine(error)}` };
  }
}

/** Moto's server of AWS services, of which Kinesis is one, in a Python environment of its own. */
export async function motoServer(): Promise<Tool<string>> {
  const folder = join(CACHE, `moto-${MOTO_VERSION}`);
  const server = join(folder, "bin", "moto_server");
  try {
    if (!existsSync(server)) {
      await mkdir(CACHE, { recursive: true });
      await run("python3", ["-m", "venv", folder], { timeout: FETCH_WITHIN_MS });
      await run(join(folder, "bin", "pip"), ["install", "--quiet", `moto[server]==${MOTO_VERSION}`], {
        timeout: FETCH_WITHIN_MS,
      });
    }
    await run(server, ["--help"], { timeout: 30_000 });
    return { tool: server };
  } catch (error) {
    return { missing: `a Kinesis-compatible server needs python3 with venv and pip: ${firstLine(error)}` };
  }
}

/** Whole or not at all: an interrupted fetch leaves nothing. */
async function fetchInto(
  folder: string,
  fetch: (target: string, work: string) => Promise<void>,
): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "aura-fetch-"));
  const target = await mkdtemp(join(CACHE, "fetching-"));
  try {
    await fetch(target, work);
    await rename(target, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(target, { recursive: true, force: true });
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
