import { ISOLATION_FOREST_PARAMETERS, PCA_MONITOR_PARAMETERS } from "../../numerics/anomaly/parameters.ts";
import { BLEND_PARAMETERS } from "../../numerics/blend/parameters.ts";
import { FOREST_PARAMETERS } from "../../numerics/forest/parameters.ts";
import { GBDT_PARAMETERS } from "../../numerics/gbdt/parameters.ts";
import { LINEAR_PARAMETERS } from "../../numerics/linear/parameters.ts";
import type { ParameterTable } from "../../numerics/parameter-table.ts";
import { markdownTable } from "./markdown-table.ts";

/** docs/trainers.md: what `params` of a candidate may say, by kind. */
export function trainersPage(): string {
  return `# Settings of the trainers

What \`params\` of a candidate may say in the [pipeline file](pipeline-file.md):

\`\`\`yaml
candidates:
  - { kind: gbdt, params: { numLeaves: 15, learningRate: 0.05 } }
  - { kind: forest, params: { numTrees: 300 } }
\`\`\`

A setting outside its range is refused with its line. This page is made from the tables in \`numerics/*/parameters.ts\`
by \`npm run docs\`; a test compares them.

## \`gbdt\`: gradient boosting

${settingsOf(GBDT_PARAMETERS)}

## \`forest\`: random forest

${settingsOf(FOREST_PARAMETERS)}

## \`linear\`: linear and logistic regression

${settingsOf(LINEAR_PARAMETERS)}

## \`blend\`: the mean of other candidates

Costs no training of its own: it is judged on the out-of-fold answers of its members (\`of\`, default all other candidates),
and only when it wins its members are trained once more, into one graph.

${settingsOf(BLEND_PARAMETERS)}

## \`pca_monitor\`: principal components, T² and Q

Of the task \`anomaly\`, and its default. Score: T² and Q, each divided by its limit, added.

${settingsOf(PCA_MONITOR_PARAMETERS)}

## \`isolation_forest\`: isolation by random cuts

Of the task \`anomaly\`. Score: about 0.5 for usual rows, towards 1 for unusual ones.

${settingsOf(ISOLATION_FOREST_PARAMETERS)}
`;
}

function settingsOf(table: ParameterTable): string {
  const rows = Object.entries(table).map(([name, row]) => {
    if ("choices" in row) return [`\`${name}\``, row.default, row.choices.join(", "), "", row.doc];
    const kind = row.isInteger === true ? "integer, " : "";
    const range = `${kind}${row.isAboveMin === true ? ">" : "≥"} ${row.min}, ≤ ${row.max}`;
    return [`\`${name}\``, String(row.default), range, row.unit, row.doc];
  });
  return markdownTable(["setting", "default", "range", "unit", "meaning"], rows);
}
