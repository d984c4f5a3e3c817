import { jsonSchema } from "../../schemas/pipeline/parse.ts";
import { errorsPage } from "./errors-page.ts";
import { pipelineKeysPage } from "./pipeline-keys-page.ts";
import { settingsPage } from "./settings-page.ts";
import { trainersPage } from "./trainers-page.ts";

/** What `npm run docs` makes from the code's own tables: path below the repository → text. */
export const GENERATED_PAGES: Readonly<Record<string, () => string>> = {
  "docs/errors.md": errorsPage,
  "docs/settings.md": settingsPage,
  "docs/trainers.md": trainersPage,
  "docs/pipeline-keys.md": () => pipelineKeysPage(jsonSchema()),
  "docs/pipeline.schema.json": () => `${JSON.stringify(jsonSchema(), null, 2)}\n`,
};
