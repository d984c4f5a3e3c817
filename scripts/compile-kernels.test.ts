import { expect, it } from "vitest";
import { KERNELS_WASM } from "../numerics/gbdt/kernels/kernels-wasm.ts";
import { compileKernels, describeKernels } from "./compile-kernels.ts";

it("the committed kernels are the compiled ones", async () => {
  expect(describeKernels(await compileKernels())).toContain(KERNELS_WASM);
});
