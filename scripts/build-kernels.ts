/**
 * Compiles the loops of boosting, numerics/gbdt/kernels/assembly/kernels.ts, to WebAssembly and writes them as text to
 * kernels-wasm.ts beside it.
 *
 *   npm run kernels
 *
 * The result is committed, so that the compiler runs only where the loops change; a test holds the two together.
 */
import { writeFile } from "node:fs/promises";
import { compileKernels, describeKernels } from "./compile-kernels.ts";

const target = new URL("../../numerics/gbdt/kernels/kernels-wasm.ts", import.meta.url);
await writeFile(target, describeKernels(await compileKernels()));
