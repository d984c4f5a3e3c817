import { alertsSuite } from "./alerts/suite.ts";
import { driftSuite } from "./drift/suite.ts";
import { featuresSuite } from "./features/suite.ts";
import { ingestSuite } from "./ingest/suite.ts";
import { pipelineSuite } from "./pipeline/suite.ts";
import { searchSuite } from "./search/suite.ts";
import { serveSuite } from "./serve/suite.ts";
import type { BenchSuite } from "./suite.ts";
import { trainSuite } from "./train/suite.ts";
import { transformSuite } from "./transform/suite.ts";

/** Every suite of `npm run bench`. A new one is one folder and one line here. */
export const SUITES: readonly BenchSuite[] = [
  pipelineSuite,
  transformSuite,
  serveSuite,
  trainSuite,
  searchSuite,
  ingestSuite,
  featuresSuite,
  alertsSuite,
  driftSuite,
];
