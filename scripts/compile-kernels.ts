import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const source = new URL(
  `${import.meta.url.endsWith(".ts") ? "../" : "../../"}numerics/gbdt/kernels/assembly/kernels.ts`,
  import.meta.url,
);

const OPTIONS = [
  "-O3",
  "--noAssert",
  "--runtime=stub",
  "--enable=simd,threads,bulk-memory",
  "--importMemory",
  "--sharedMemory",
  "--initialMemory=1",
  "--maximumMemory=65536",
];

/** @throws {Error} with the compiler's messages */
export async function compileKernels(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main([fileURLToPath(source), ...OPTIONS, "--outFile=kernels.wasm"], {
    stderr,
    writeFile: (_name, contents) => {
      binary = contents as Uint8Array;
    },
  });
  if (error !== null || binary === undefined) throw new Error(`kernels do not compile: ${stderr.toString()}`);
  return binary;
}

/** The module that carries them. */
export function describeKernels(binary: Uint8Array): string {
  const text = Buffer.from(binary).toString("base64");
  return `/** \`assembly/kernels.ts\`, compiled by \`npm run kernels\`: do not edit. */\nexport const KERNELS_WASM =\n  "${text}";\n`;
}
