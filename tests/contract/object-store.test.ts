import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, mkdir, mkdtemp, readdir, rm, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";
import { LocalCache } from "../../stores/objects/local-cache.ts";
import { hashFile } from "../../stores/objects/plain-file.ts";
import { S3_TEST_ACCESS_KEY, S3_TEST_SECRET_KEY, startS3TestServer } from "../support/s3-server.ts";

const MIB = 1024 * 1024;
const folder = await mkdtemp(join(tmpdir(), "aura-objects-"));
const s3 = await startS3TestServer();
afterAll(async () => {
  if (!("missing" in s3)) await s3.dispose();
  await rm(folder, { recursive: true, force: true });
});

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** One adapter under test; two stores over one place stand for two hosts, each with a cache of its own. */
interface Subject {
  readonly open: (host: string) => ObjectStore;
  /** Local file that holds the bytes of a key, to damage them behind the store's back. */
  readonly pathOf: (key: string) => string;
}

const fileRoot = join(folder, "objects");
const fileSubject: Subject = {
  open: (host) =>
    createObjectStore({
      objects: pathToFileURL(fileRoot).href,
      cacheDir: join(folder, `cache-file-${host}`),
    }),
  pathOf: (key) => join(fileRoot, key),
};

function s3Subject(server: { endpoint: string; bucket: string; directory: string }): Subject {
  process.env["AWS_ACCESS_KEY_ID"] = S3_TEST_ACCESS_KEY;
  process.env["AWS_SECRET_ACCESS_KEY"] = S3_TEST_SECRET_KEY;
  return {
    open: (host) =>
      createObjectStore({
        objects: `s3://${server.bucket}/team/a`,
        cacheDir: join(folder, `cache-s3-${host}`),
        s3: { endpoint: server.endpoint, region: "us-east-1", forcePathStyle: true },
      }),
    pathOf: (key) => join(server.directory, "team/a", key),
  };
}

describe("object store on files", () => contract(fileSubject));
if ("missing" in s3) describe.skip("object store on S3", () => it(`skipped: ${s3.missing}`));
else describe("object store on S3", () => contract(s3Subject(s3)));

function contract(subject: Subject): void {
  let store: ObjectStore;
  beforeAll(() => {
    store = subject.open("one");
  });

  it("keeps what it is given and gives it back", async () => {
    const bytes = text("hello");
    const ref = await store.put("processed/json/a.json", bytes);
    expect(ref).toEqual({ key: "processed/json/a.json", sha256: sha256(bytes), bytes: 5 });
    expect(Buffer.from(await store.get(ref)).toString()).toBe("hello");
    expect(await store.head(ref.key)).toEqual(ref);
    expect(await subject.open("two").head(ref.key)).toEqual(ref);
  });

  it("keeps an empty object", async () => {
    const ref = await store.put("processed/json/empty.json", new Uint8Array());
    expect((await store.get(ref)).byteLength).toBe(0);
    expect((await hashFile(await store.fetch(ref))).bytes).toBe(0);
  });

  it("takes the same bytes twice, refuses others, and keeps the first", async () => {
    const first = await store.put("models/m/d/model.onnx", text("one"));
    expect(await store.put("models/m/d/model.onnx", text("one"))).toEqual(first);
    await expect(store.put("models/m/d/model.onnx", text("two"))).rejects.toMatchObject({ code: "conflict" });
    expect(Buffer.from(await store.get(first)).toString()).toBe("one");
  });

  it("lets one of many racing writers win", async () => {
    const stores = [store, subject.open("two")];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) =>
        (stores[i % 2] ?? store).put("logs/race.json", text(`writer ${i}`)),
      ),
    );
    expect(outcomes.filter((o) => o.status === "fulfilled")).toHaveLength(1);
    for (const o of outcomes) {
      if (o.status === "rejected") expect(o.reason).toMatchObject({ code: "conflict" });
    }
    const winner = outcomes.findIndex((o) => o.status === "fulfilled");
    const ref = await store.head("logs/race.json");
    expect(ref?.sha256).toBe(sha256(text(`writer ${winner}`)));
  });

  it("streams a file of 40 MiB in and out", async () => {
    const path = join(folder, "large.bin");
    await writeFile(path, Buffer.alloc(40 * MIB, "aura "));
    const hash = (await hashFile(path)).sha256;
    const key = `raw/sha256/${hash}`;
    const ref = await store.putFile(key, path);
    expect(ref).toEqual({ key, sha256: hash, bytes: 40 * MIB });
    expect(await store.putFile(key, path)).toEqual(ref);
    const copy = await subject.open("two").fetch(ref);
    expect(await hashFile(copy)).toEqual({ sha256: hash, bytes: 40 * MIB });
    await writeFile(path, Buffer.alloc(20 * MIB, "b"));
    await expect(store.putFile(key, path)).rejects.toMatchObject({ code: "integrity" });
    await store.putFile("processed/parquet/big.parquet", copy);
    await expect(store.putFile("processed/parquet/big.parquet", path)).rejects.toMatchObject({
      code: "conflict",
    });
  }, 60_000);

  it("lets one of two racing uploads in parts win", async () => {
    const paths = await Promise.all(
      ["x", "y"].map(async (letter) => {
        const path = join(folder, `race-${letter}.bin`);
        await writeFile(path, Buffer.alloc(20 * MIB, letter));
        return path;
      }),
    );
    const stores = [store, subject.open("two")];
    const outcomes = await Promise.allSettled(
      paths.map((path, i) => (stores[i] ?? store).putFile("processed/parquet/race.parquet", path)),
    );
    const refs = outcomes.flatMap((o) => (o.status === "fulfilled" ? [o.value] : []));
    expect(refs).toHaveLength(1);
    expect(await store.head("processed/parquet/race.parquet")).toEqual(refs[0]);
  }, 60_000);

  it("refuses an original whose key names another hash", async () => {
    await expect(store.put(`raw/sha256/${"0".repeat(64)}`, text("x"))).rejects.toMatchObject({
      code: "integrity",
    });
    expect(await store.head(`raw/sha256/${"0".repeat(64)}`)).toBeUndefined();
  });

  it("refuses bytes that are not those of the ref", async () => {
    const ref = await store.put("logs/damaged.json", text("true bytes"));
    await damage(subject.pathOf(ref.key));
    await expect(store.get(ref)).rejects.toMatchObject({ code: "integrity" });
    await expect(store.fetch(ref)).rejects.toMatchObject({ code: "integrity" });
    const lie = { ...(await store.put("logs/whole.json", text("true bytes"))), sha256: sha256(text("x")) };
    await expect(store.get(lie)).rejects.toMatchObject({ code: "integrity" });
    await expect(store.get({ ...lie, sha256: sha256(text("true bytes")), bytes: 3 })).rejects.toMatchObject({
      code: "integrity",
    });
  });

  it("refuses to read more than the limit", async () => {
    const ref = await store.put("logs/limit.json", text("12345"));
    await expect(store.get(ref, 4)).rejects.toMatchObject({ code: "body_too_large" });
  });

  it("says what is missing", async () => {
    const ref = { key: "logs/none.json", sha256: "0".repeat(64), bytes: 1 };
    expect(await store.head(ref.key)).toBeUndefined();
    await expect(store.get(ref)).rejects.toMatchObject({ code: "not_found" });
    await expect(store.fetch(ref)).rejects.toMatchObject({ code: "not_found" });
    await store.delete(ref.key);
  });

  it("lists by prefix and deletes", async () => {
    for (const name of ["a/1", "a/2", "ab/3", "b/4"]) await store.put(`reports/${name}.html`, text(name));
    const keys = async (prefix: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found.sort();
    };
    expect(await keys("reports/a")).toEqual(["reports/a/1.html", "reports/a/2.html", "reports/ab/3.html"]);
    expect(await keys("reports/a/")).toEqual(["reports/a/1.html", "reports/a/2.html"]);
    expect(await keys("nothing/")).toEqual([]);
    await store.delete("reports/a/1.html");
    expect(await keys("reports/a/")).toEqual(["reports/a/2.html"]);
    expect(await keys("")).toContain("reports/b/4.html");
  });

  it.each([
    "",
    "/etc/passwd",
    "../x",
    "raw/../../x",
    "raw/./x",
    "raw//x",
    "raw/.meta/x",
    "Raw/x",
    "raw/ü",
    "raw/x\n",
  ])("refuses the key %j before any I/O", async (key) => {
    await expect(store.put(key, text("x"))).rejects.toMatchObject({ code: "invalid_name" });
    await expect(store.head(key)).rejects.toMatchObject({ code: "invalid_name" });
    await expect(store.delete(key)).rejects.toMatchObject({ code: "invalid_name" });
    const ref = { key, sha256: "0".repeat(64), bytes: 1 };
    await expect(Promise.resolve().then(() => store.get(ref))).rejects.toMatchObject({
      code: "invalid_name",
    });
    await expect(Promise.resolve().then(() => store.fetch(ref))).rejects.toMatchObject({
      code: "invalid_name",
    });
  });

  it("hashes a fetched file again when it was changed", async () => {
    const ref = await store.put("logs/fetched.json", text("fetched"));
    const path = await store.fetch(ref);
    expect(await store.fetch(ref)).toBe(path);
    await writeFile(path, "forgery");
    const again = await store.fetch(ref).catch((error: unknown) => error);
    if (typeof again === "string") expect((await hashFile(again)).sha256).toBe(ref.sha256);
    else expect(again).toMatchObject({ code: "integrity" });
  });

  it("answers the probe", async () => {
    await store.probe();
  });
}

async function damage(path: string): Promise<void> {
  await truncate(path, 0);
  await writeFile(path, "fake bytes");
}

describe("object store on files, against its folder", () => {
  const store = fileSubject.open("attacked");

  it("refuses symbolic and hard links", async () => {
    const secret = join(folder, "secret");
    await writeFile(secret, "secret");
    const ref = { key: "logs/planted.json", sha256: sha256(text("secret")), bytes: 6 };
    const path = fileSubject.pathOf(ref.key);
    await mkdir(dirname(path), { recursive: true });
    await symlink(secret, path);
    await expect(store.get(ref)).rejects.toMatchObject({ code: "integrity" });
    await expect(store.put(ref.key, text("x"))).rejects.toMatchObject({ code: "integrity" });
    await unlink(path);
    await link(secret, path);
    await expect(store.get(ref)).rejects.toMatchObject({ code: "integrity" });
    await expect(store.fetch(ref)).rejects.toMatchObject({ code: "integrity" });
    await symlink(folder, fileSubject.pathOf("reports/out"));
    await expect(store.put("reports/out/x", text("x"))).rejects.toMatchObject({ code: "integrity" });
    await expect(store.head("reports/out/secret")).rejects.toMatchObject({ code: "integrity" });
  });

  it("heals what a crash between link and unlink leaves", async () => {
    const ref = await store.put("logs/crashed.json", text("crashed"));
    await link(fileSubject.pathOf(ref.key), join(fileRoot, ".tmp", "left-behind"));
    await rm(join(fileRoot, ".meta", `${ref.key}.json`));
    expect(Buffer.from(await store.get(ref)).toString()).toBe("crashed");
    expect(await store.head(ref.key)).toEqual(ref);
    expect(await readdir(join(fileRoot, ".tmp"))).toEqual([]);
  });

  it("says unavailable when the root cannot be a folder", async () => {
    const file = join(folder, "a-file");
    await writeFile(file, "");
    const broken = createObjectStore({
      objects: pathToFileURL(join(file, "objects")).href,
      cacheDir: join(folder, "cache"),
    });
    await expect(broken.put("logs/x", text("x"))).rejects.toMatchObject({ code: "objects_unavailable" });
    await expect(broken.probe()).rejects.toMatchObject({ code: "objects_unavailable" });
  });
});

describe("local cache of an object store", () => {
  const bytes = text("cached");
  const ref = { key: "logs/cached.json", sha256: sha256(bytes), bytes: bytes.byteLength };
  const cache = new LocalCache(join(folder, "cache-alone"));
  let reads = 0;
  const fetchIt = (): Promise<string> =>
    cache.path(ref, async () => {
      reads++;
      return createReadStream(await source());
    });
  const source = async (): Promise<string> => {
    await writeFile(join(folder, "source"), bytes);
    return join(folder, "source");
  };

  it("reads once for many callers at once, and anew for a copy that was changed or linked elsewhere", async () => {
    const paths = await Promise.all(Array.from({ length: 10 }, fetchIt));
    expect([new Set(paths).size, reads]).toEqual([1, 1]);
    const path = await fetchIt();
    await writeFile(path, "forged");
    expect((await hashFile(await fetchIt())).sha256).toBe(ref.sha256);
    await link(path, join(folder, "second-name"));
    const fresh = await fetchIt();
    await writeFile(join(folder, "second-name"), "forged");
    expect([(await hashFile(fresh)).sha256, reads]).toEqual([ref.sha256, 3]);
  });

  it("keeps nothing of a body that is wrong or breaks off", async () => {
    const other = { ...ref, sha256: sha256(text("other")) };
    const wrong = cache.path(other, () => Promise.resolve(createReadStream(join(folder, "source"))));
    await expect(wrong).rejects.toMatchObject({ code: "integrity" });
    const gone = cache.path(other, () => Promise.reject(new Error("broke off")));
    await expect(gone).rejects.toThrow("broke off");
    const left = await readdir(join(folder, "cache-alone"), { recursive: true });
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("object store on S3, without a server", () => {
  it("says unavailable, with the cause kept", async () => {
    process.env["AWS_ACCESS_KEY_ID"] ??= S3_TEST_ACCESS_KEY;
    process.env["AWS_SECRET_ACCESS_KEY"] ??= S3_TEST_SECRET_KEY;
    const store = createObjectStore({
      objects: "s3://aura",
      cacheDir: join(folder, "cache-none"),
      s3: { endpoint: "http://127.0.0.1:9", region: "us-east-1", forcePathStyle: true, maxAttempts: 2 },
    });
    const failure = await store.put("logs/x", text("x")).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "objects_unavailable", cause: expect.any(Error) });
    await expect(store.probe()).rejects.toMatchObject({ code: "objects_unavailable" });
  });

  it("says so within two seconds when the server never answers", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const store = createObjectStore({
      objects: "s3://aura",
      cacheDir: join(folder, "cache-mute"),
      s3: { endpoint: `http://127.0.0.1:${port}`, region: "us-east-1", forcePathStyle: true },
    });
    const started = performance.now();
    await expect(store.probe()).rejects.toMatchObject({ code: "objects_unavailable" });
    expect(performance.now() - started).toBeLessThan(2_000);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it("refuses other URLs", () => {
    for (const objects of ["", "http://x", "s3://", "gs://bucket"]) {
      expect(() => createObjectStore({ objects, cacheDir: folder })).toThrow(/AURA_OBJECTS/);
    }
  });
});
