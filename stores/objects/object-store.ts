import { fileURLToPath } from "node:url";
import { PlatformError } from "../../schemas/platform-error.ts";
import { FileObjectStore } from "./file-object-store.ts";
import { LocalCache } from "./local-cache.ts";
import type { ObjectStore } from "./port.ts";
import { S3ObjectStore } from "./s3-object-store.ts";
import type { S3Settings } from "./s3-object-store.ts";

export interface ObjectStoreSettings {
  /** `file:///dir` or `s3://bucket/prefix`. */
  readonly objects: string;
  /** Absolute folder of verified local copies of S3 objects. DuckDB must be allowed to read it, or the file store's folder. */
  readonly cacheDir: string;
  /** Bound of those copies, in bytes; default none. */
  readonly cacheMaxBytes?: number;
  /** Only for `s3://`; credentials come from the usual AWS variables and files. */
  readonly s3?: S3Settings;
}

/**
 * The object store a URL names. Opens nothing yet: an unreachable store shows at the first call or `probe`.
 *
 * @throws {PlatformError} config_invalid for any other URL
 */
export function createObjectStore(settings: ObjectStoreSettings): ObjectStore {
  const url = URL.canParse(settings.objects) ? new URL(settings.objects) : undefined;
  if (url?.protocol === "file:") return new FileObjectStore(fileURLToPath(url));
  if (url?.protocol === "s3:" && url.host !== "") {
    const prefix = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, "");
    const cache = new LocalCache(settings.cacheDir, settings.cacheMaxBytes);
    return new S3ObjectStore({ bucket: url.host, prefix, ...settings.s3 }, cache);
  }
  throw new PlatformError("config_invalid", "AURA_OBJECTS: expected file:///folder or s3://bucket/prefix");
}
