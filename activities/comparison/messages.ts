import type { DataKind } from "../../schemas/data/data-diff.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface CompareDataInput {
  readonly kind: DataKind;
  readonly a: string;
  readonly b: string;
}

export interface CompareDataResult {
  /** Stored DataDiff: with thousands of columns it is no payload. */
  readonly diff: ObjectRef;
  readonly equal: boolean;
}
