import { renderDriftPage } from "../../drift/page.ts";
import { driftDocumentSchema } from "../../drift/report-document.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { reportRoutes } from "./report-routes.ts";

/** Whether what comes in still looks like what was trained on. */
export const driftRoutes = reportRoutes({
  name: "drift",
  store: ({ drift }: Database) => drift,
  schema: driftDocumentSchema,
  render: renderDriftPage,
  notShown: "a release before pages wrote it; it is there as JSON",
  check: (workflows, model) => workflows.triggerDriftCheck(model),
  texts: {
    list: "Drift reports of a model, newest first.",
    verdicts: "true: the verdicts alone, without what was found of each column.",
    report: "One drift report with the checks of every column, as JSON.",
    page: "One drift report as one HTML page: each column beside its training. No scripts, no network.",
    check: "Check for drift now, beside the schedule.",
  },
});
