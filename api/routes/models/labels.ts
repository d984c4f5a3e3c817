import { z } from "zod";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import {
  LABEL_KINDS,
  LABEL_STATES,
  labelRowSchema,
  labelsReplySchema,
} from "../../../schemas/serving/observed-label.ts";
import type { ShownLabel } from "../../../schemas/serving/observed-label.ts";
import { formatIsoMicros } from "../../../schemas/text/iso-time.ts";
import type { LabelRow } from "../../../stores/postgres/port/labels.ts";
import { LabelIntake } from "../../labels/add-labels.ts";
import { LABEL_TYPES, readSentLabels } from "../../labels/sent-labels.ts";
import { auditOf, found, limitQuery, sitesOf, siteViewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** Also for keys that are limited to some sites: of assets that are there. */
const siteOperator = { role: "operator", scope: "any" } as const;
const labelParams = z.strictObject({ id: dataIdSchema });

/** What turned out to be true: in as it becomes known, however late, and out. */
export const labelRoutes: readonly AnyRoute[] = [
  ...["/labels", "/v1/labels"].flatMap((path) => [
    route({
      method: "post",
      path,
      tag: "labels",
      summary:
        "Say what turned out to be true, of assets or of predictions: JSON, a line of JSON each, CSV or Parquet; also packed with gzip. Each is taken or refused by itself, and sent again stored once.",
      policy: siteOperator,
      query: z.strictObject({
        source: nameSchema.default("api").describe("Who says so, where a label does not."),
        kind: z.enum(LABEL_KINDS).optional().describe("Of labels that name none."),
      }),
      body: {
        kind: "raw",
        types: LABEL_TYPES,
        description:
          "`{labels: [{kind, asset, t, …}]}`, as JSON up to 4 MiB and 10,000 labels, a label in each line, CSV with a head of the same names, or Parquet up to 32 MiB and 200,000 rows.",
      },
      reply: labelsReplySchema,
      async handle(request, { database, uploadDir }) {
        const { source, kind } = request.query;
        const audit = auditOf(request, "labels.add", "labels", { source });
        const intake = new LabelIntake(database().labels, { source, kind }, audit);
        for await (const sent of readSentLabels(request.context, uploadDir)) await intake.add(sent);
        return intake.reply();
      },
    }),
    route({
      method: "get",
      path,
      tag: "labels",
      summary: "Labels, newest first, a page at a time. A limited key has those of assets at its sites.",
      policy: siteViewer,
      query: z.strictObject({
        asset: dataIdSchema.optional(),
        kind: z.enum(LABEL_KINDS).optional(),
        state: z
          .enum(LABEL_STATES)
          .optional()
          .describe("`conflicting`: those that wait for somebody to settle them."),
        source: nameSchema.optional(),
        limit: limitQuery(),
        cursor: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
      }),
      reply: z.strictObject({
        items: z.array(labelRowSchema),
        next: z.string().nullable().describe("Cursor of the next page; null: this is the last."),
      }),
      async handle({ query: { cursor, limit, asset, kind, state, source }, actor }, { database }) {
        const rows = await database().labels.list({
          limit: limit + 1,
          ...sitesOf(actor),
          ...(asset === undefined ? {} : { asset }),
          ...(kind === undefined ? {} : { kind }),
          ...(state === undefined ? {} : { state }),
          ...(source === undefined ? {} : { source }),
          ...(cursor === undefined ? {} : { after: cursor }),
        });
        const page = rows.slice(0, limit);
        const last = rows.length > limit ? page.at(-1) : undefined;
        return { items: page.map(shownLabel), next: last === undefined ? null : String(last.seq) };
      },
    }),
  ]),
  route({
    method: "delete",
    path: "/v1/labels/{id}",
    tag: "labels",
    summary: "Withdraw a label: it stays on record and counts no more.",
    policy: siteOperator,
    params: labelParams,
    reply: labelRowSchema,
    async handle(request, { database }) {
      const { id } = request.params;
      const row = await database().labels.withdraw(id, auditOf(request, "label.withdraw", `label/${id}`));
      return shownLabel(row);
    },
  }),
  route({
    method: "get",
    path: "/v1/labels/{id}",
    tag: "labels",
    summary: "One label, and what became of it.",
    policy: siteViewer,
    params: labelParams,
    reply: labelRowSchema,
    async handle({ params: { id }, actor }, { database }) {
      const [row] = await database().labels.list({ id, limit: 1, ...sitesOf(actor) });
      return shownLabel(found(row, "label", id));
    },
  }),
];

function shownLabel(label: LabelRow): ShownLabel {
  const { seq: _, t, timeKind, ...row } = label;
  return { ...row, t: t !== null && timeKind === "timestamp" ? formatIsoMicros(t) : t };
}
