import { mkdirSync } from "node:fs";
import type { ObjectSettings } from "../../config/settings.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

const ANSWER_WITHIN_MS = 10_000;

/**
 * Makes the folder of the file store, or asks the S3 bucket for an answer. There is no process behind
 * it, so it is no part of its own.
 *
 * @param environment  of the settings: credentials may stand in .env, which the AWS library does not read
 * @throws {PlatformError} objects_unavailable
 */
export async function prepareObjects(
  objects: ObjectSettings,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    if (objects.kind === "file") mkdirSync(objects.directory, { recursive: true, mode: 0o700 });
    else await probeBucket(objects, environment);
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new PlatformError("objects_unavailable", `reach the object store [${objects.url}]: ${reason}`, {
      cause,
    });
  }
}

async function probeBucket(
  objects: Extract<ObjectSettings, { kind: "s3" }>,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const { S3Client, ListObjectsV2Command } = await import("@aws-sdk/client-s3");
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  const hasKey = accessKeyId !== undefined && secretAccessKey !== undefined;
  const credentials = {
    accessKeyId: accessKeyId ?? "",
    secretAccessKey: secretAccessKey ?? "",
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
  const client = new S3Client({
    maxAttempts: 2,
    ...(hasKey ? { credentials } : {}),
    region: objects.region,
    forcePathStyle: objects.forcePathStyle,
    ...(objects.endpoint === undefined ? {} : { endpoint: objects.endpoint }),
  });
  try {
    const list = new ListObjectsV2Command({ Bucket: objects.bucket, Prefix: objects.prefix, MaxKeys: 1 });
    await client.send(list, { abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } finally {
    client.destroy();
  }
}
