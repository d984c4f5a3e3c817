/** The bytes of a model are malformed, too large, or hold something that AURA does not run. */
export class ModelRefusedError extends Error {
  override readonly name = "ModelRefusedError";
  /** What is wrong, in one line, with the part it was found in. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the model is refused: ${reason}`);
    this.reason = reason;
  }
}
