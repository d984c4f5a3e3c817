import { describe, expect, test } from "vitest";
import { decodeAnswer, decodeRun, encodeAnswer, encodeRun, FrameReader } from "./run-frames.ts";

type Frame = Uint8Array<ArrayBuffer>;

function read(...chunks: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => void frames.push(frame));
  for (const chunk of chunks) reader.push(chunk);
  return frames;
}

const RUN = encodeRun({
  id: 7,
  key: "modèle",
  pieces: [Float64Array.of(1, NaN), Float64Array.of(-0, 1e308)],
  nRows: 2,
});

describe("run frames", () => {
  test("bring rows, key and answers through as they were", () => {
    const [frame = new Uint8Array()] = read(RUN);
    const { id, key, nRows, pieces } = decodeRun(frame);
    expect({ id, key, nRows, pieces }).toEqual({
      id: 7,
      key: "modèle",
      nRows: 2,
      pieces: [Float64Array.of(1, NaN, -0, 1e308)],
    });
    const answer = { id: 2 ** 32 - 1, nRows: 1, nOutputs: 3, values: Float64Array.of(0.1, 0.2, 0.7) };
    const [answered = new Uint8Array()] = read(encodeAnswer(answer));
    expect(decodeAnswer(answered)).toEqual(answer);
  });

  test("are whole however the pipe cuts them", () => {
    const both = new Uint8Array(2 * RUN.length);
    both.set(RUN);
    both.set(RUN, RUN.length);
    for (let cut = 0; cut <= both.length; cut++)
      expect(read(both.subarray(0, cut), both.subarray(cut))).toEqual([RUN, RUN]);
    expect(read(...Array.from(both, (byte) => Uint8Array.of(byte)))).toEqual([RUN, RUN]);
  });

  test("are refused when their length is none", () => {
    for (const length of [0, 15, 2 ** 30 + 1, 2 ** 32 - 1])
      expect(() => read(new Uint8Array(Uint32Array.of(length).buffer))).toThrow(RangeError);
  });

  test("are refused when an answer has not the doubles it announces", () => {
    for (const announced of [0, 1, 3]) {
      const [frame = new Uint8Array()] = read(
        encodeAnswer({ id: 1, nRows: announced, nOutputs: 1, values: Float64Array.of(1, 2) }),
      );
      expect(() => decodeAnswer(frame)).toThrow(`${announced} × 1 doubles`);
    }
  });
});
