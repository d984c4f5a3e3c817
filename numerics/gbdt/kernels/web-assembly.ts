/** What is used of WebAssembly, which neither the language's nor Node's types declare. */
declare global {
  namespace WebAssembly {
    class Memory {
      constructor(descriptor: { initial: number; maximum: number; shared: boolean });
      readonly buffer: SharedArrayBuffer;
    }
    // oxlint-disable-next-line no-extraneous-class
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      constructor(module: Module, imports: Record<string, Record<string, unknown>>);
      readonly exports: object;
    }
  }
}

/** The one memory of a training. */
export type SharedMemory = WebAssembly.Memory;
