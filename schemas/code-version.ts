import { z } from "zod";
import { sha256Schema } from "./names.ts";

/** What code made a version: everything beside data and parameters that its bytes may depend on. */
export const codeVersionSchema = z.strictObject({
  /** Version of the package. */
  release: z.string(),
  /** Hash over the code that data pass through on their way into a model. */
  sources: sha256Schema,
  /** Node.js, whose mathematical functions are not the same in every release. */
  node: z.string(),
  /** Operating system and processor, e.g. `linux-x64`. */
  platform: z.string(),
});
export type CodeVersion = z.infer<typeof codeVersionSchema>;
