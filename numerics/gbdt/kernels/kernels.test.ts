import { expect, it } from "vitest";
import { createGenerator } from "../../random/generator.ts";
import { createKernels } from "./kernels.ts";

it.each([[[1, 2]], [[0, 4]]])("both kinds deal rows out alike, bins %j left", (leftBins) => {
  const nRows = 3000;
  const [dealt, expected] = (["wasm", "plain"] as const).map((kind) => {
    const generator = createGenerator("partition");
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    const bins = new Uint8Array(memory.buffer, 1024, nRows * 8);
    bins.forEach((_, cell) => (bins[cell] = generator.integer(5)));
    const [rows, left, right] = [32_768, 49_152, 65_536];
    const list = new Int32Array(memory.buffer, rows, nRows).map((_, row) => row);
    new Int32Array(memory.buffer, rows, nRows).set(list);
    for (const bin of leftBins) new Uint8Array(memory.buffer)[512 + bin] = 1;
    const nLeft = createKernels(memory, kind).partition(1027, rows, 100, 2900, 512, left, right);
    return {
      left: [...new Int32Array(memory.buffer, left, nLeft)],
      right: [...new Int32Array(memory.buffer, right, 2800 - nLeft)],
    };
  });
  expect(dealt).toEqual(expected);
  expect(dealt.left.length).toBeGreaterThan(1000);
  expect(dealt.left.toSorted((a, b) => a - b)).toEqual(dealt.left);
});
