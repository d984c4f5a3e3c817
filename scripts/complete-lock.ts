import { readFileSync, writeFileSync } from "node:fs";

/**
 * Adds to package-lock.json the optional platform packages that npm left out.
 *
 * A registry that does not carry the binaries of every platform makes `npm install` write a lock without them, and then
 * `npm ci` refuses the lock on every machine. The packages are pinned to an exact version by the package that names them,
 * so their entries can be written from there; what is missing is the integrity hash, which the next `npm install` on a
 * registry that has them fills in. Run after every change of the dependencies: `npm run lock`.
 */
interface LockEntry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const PROCESSORS: Readonly<Record<string, string>> = {
  x64: "x64",
  arm64: "arm64",
  aarch64: "arm64",
  arm: "arm",
  ia32: "ia32",
  ppc64: "ppc64",
  ppc64le: "ppc64",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loong64",
  mips64el: "mips64el",
};

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, LockEntry> };
const added: string[] = [];
for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] !== undefined || !/^\d/.test(version)) continue;
    const words = name.split(/[/-]/);
    const os = words.filter((word) => SYSTEMS.includes(word));
    const cpu = words.flatMap((word) => PROCESSORS[word] ?? []);
    // A package that says no platform would be fetched everywhere: that is for a person to look at.
    if (os.length === 0) throw new Error(`${name}: expected a platform in its name`);
    lock.packages[path] = {
      version,
      ...(cpu.length > 0 ? { cpu } : {}),
      ...(owner.dev === true ? { dev: true } : {}),
      optional: true,
      os,
    };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added.length} platform packages added\n`);
