import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { S3Location } from "./s3-object-store.ts";

const PART_BYTES = 16 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;
const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_ATTEMPTS = 4;
const SHA256 = /^[0-9a-f]{64}$/;

/** Answers that say the request itself is wrong or not allowed: a retry cannot help. */
const MISCONFIGURED = new Set([
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "NoSuchBucket",
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "CredentialsProviderError",
  "InvalidBucketName",
]);

/** Requests of one bucket and prefix, with the SDK's errors turned into ours. Keys are checked by the caller. */
export class S3Client {
  readonly #client: s3.S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(location: S3Location) {
    this.#bucket = location.bucket;
    this.#prefix = location.prefix === "" ? "" : `${location.prefix}/`;
    this.#client = new s3.S3Client({
      maxAttempts: location.maxAttempts ?? DEFAULT_ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: location.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
      // The checksum that counts is SHA-256, sent where the whole body is known; servers of others often lack CRC.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint }),
      ...(location.region === undefined ? {} : { region: location.region }),
      ...(location.forcePathStyle === undefined ? {} : { forcePathStyle: location.forcePathStyle }),
    });
  }

  /** One request; the server verifies the SHA-256 it is sent. */
  putIfAbsent(key: string, bytes: Uint8Array, sha256: string): Promise<"created" | "present"> {
    return this.#absent(`put object [${key}]`, () =>
      this.#client.send(
        new s3.PutObjectCommand({
          ...this.#at(key),
          Body: bytes,
          ContentLength: bytes.byteLength,
          ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64"),
          Metadata: { sha256 },
          IfNoneMatch: "*",
        }),
      ),
    );
  }

  /** Parts of 16 MiB, at most two in memory; the condition is checked when the upload is completed. */
  async uploadIfAbsent(key: string, body: Readable, sha256: string): Promise<"created" | "present"> {
    // Looked up first, so that a repeated put of a large file does not send it again.
    if ((await this.head(key)) !== undefined) {
      body.destroy();
      return "present";
    }
    return this.#absent(`put object [${key}]`, () =>
      new Upload({
        client: this.#client,
        params: { ...this.#at(key), Body: body, Metadata: { sha256 }, IfNoneMatch: "*" },
        partSize: PART_BYTES,
        queueSize: 2,
      }).done(),
    );
  }

  /** Writes whatever was there, with one deadline over all attempts: readiness must not wait. */
  async overwrite(key: string, bytes: Uint8Array, timeoutMs: number): Promise<void> {
    await this.#guarded(`put object [${key}]`, () =>
      this.#client.send(
        new s3.PutObjectCommand({ ...this.#at(key), Body: bytes, ContentLength: bytes.byteLength }),
        { abortSignal: AbortSignal.timeout(timeoutMs) },
      ),
    );
  }

  async read(key: string): Promise<Readable> {
    const { Body } = await this.#guarded(`read object [${key}]`, () =>
      this.#client.send(new s3.GetObjectCommand(this.#at(key))),
    );
    if (Body instanceof Readable) return Body;
    throw new PlatformError("objects_unavailable", `read object [${key}]: the answer has no body`);
  }

  async head(key: string): Promise<{ sha256: string | undefined; bytes: number } | undefined> {
    try {
      const found = await this.#client.send(new s3.HeadObjectCommand(this.#at(key)));
      const sha256 = found.Metadata?.["sha256"];
      return {
        sha256: sha256 !== undefined && SHA256.test(sha256) ? sha256 : undefined,
        bytes: found.ContentLength ?? 0,
      };
    } catch (error) {
      // A HEAD answer has no body, so the bucket's absence looks the same; `probe` tells them apart.
      if (statusOf(error) === 404) return undefined;
      throw asS3Error(`head object [${key}]`, error);
    }
  }

  async *list(prefix: string): AsyncIterable<{ key: string; bytes: number }> {
    let token: string | undefined;
    do {
      const page = await this.#guarded(`list objects [${prefix}]`, () =>
        this.#client.send(
          new s3.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${this.#prefix}${prefix}`,
            ContinuationToken: token,
          }),
        ),
      );
      for (const { Key, Size } of page.Contents ?? []) {
        if (Key !== undefined && !Key.endsWith("/"))
          yield { key: Key.slice(this.#prefix.length), bytes: Size ?? 0 };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    await this.#guarded(`delete object [${key}]`, async () => {
      try {
        await this.#client.send(new s3.DeleteObjectCommand(this.#at(key)));
      } catch (error) {
        if (statusOf(error) !== 404 || nameOf(error) === "NoSuchBucket") throw error;
      }
    });
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  async #absent(operation: string, send: () => Promise<unknown>): Promise<"created" | "present"> {
    try {
      await send();
      return "created";
    } catch (error) {
      if (statusOf(error) === 412) return "present";
      throw asS3Error(operation, error);
    }
  }

  async #guarded<T>(operation: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw asS3Error(operation, error);
    }
  }
}

function asS3Error(operation: string, error: unknown): PlatformError {
  const status = statusOf(error);
  const name = nameOf(error);
  const message = `${operation}: ${name}${status === undefined ? "" : ` (${status})`}`;
  if (MISCONFIGURED.has(name)) return new PlatformError("config_invalid", message, { cause: error });
  if (status === 404) return new PlatformError("not_found", message, { cause: error });
  return new PlatformError("objects_unavailable", message, { cause: error });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof s3.S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
