import { performanceReportSchema } from "../../../schemas/models/performance-report.ts";
import { renderPerformancePage } from "../../performance/page.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { reportRoutes } from "./report-routes.ts";

/** How good a model turned out to be, by the labels that are there by now. */
export const performanceRoutes = reportRoutes({
  name: "performance",
  store: ({ performance }: Database) => performance,
  schema: performanceReportSchema,
  render: renderPerformancePage,
  notShown: "another release wrote it; it is there as JSON",
  check: (workflows, model) => workflows.triggerPerformanceCheck(model),
  texts: {
    list: "Performance reports of a model, newest first.",
    verdicts: "true: the verdicts alone, without what was found of each window.",
    report:
      "One performance report as JSON: realized and expected quality of every window, and the verdict on the newest one with enough labels.",
    page: "One performance report as one HTML page. No scripts, no network.",
    check: "Hold the champion's answers against the labels that are there now, beside the schedule.",
  },
});
