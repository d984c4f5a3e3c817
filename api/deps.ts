import type { Logger } from "pino";
import type { ReachPolicy } from "../alerting/channels/guarded-connection.ts";
import type { ReadingSink } from "../intake/reading-intake.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { Database } from "../stores/postgres/port.ts";
import type { Settings } from "../config/settings.ts";
import type { ReviewKeeper } from "./review-keeper.ts";
import type { Authenticator } from "./http/auth.ts";
import type { Metrics } from "./metrics.ts";
import type { ReadinessProbe } from "./readiness.ts";
import type { Explanations } from "./serving/explanations.ts";
import type { OnlineFeatureClient } from "./serving/online-feature-client.ts";
import type { Predictor } from "./serving/predictor.ts";
import type { WorkflowGateway } from "./workflow-gateway.ts";

/** What the handlers work with. Everything is a port; `api/main.ts` gives the real things. */
export interface ApiDeps {
  /** The stores in PostgreSQL. Throws `database_unavailable` until the first connection stands. */
  readonly database: () => Database;
  readonly objects: ObjectStore;
  readonly workflows: WorkflowGateway;
  readonly readings: ReadingSink;
  readonly predictor: Predictor;
  /** Features of live readings, asked of the scorers. */
  readonly features: OnlineFeatureClient;
  readonly explanations: Explanations;
  readonly auth: Authenticator;
  readonly readiness: ReadinessProbe;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether HTTP sources of a pipeline may point at this machine. */
  readonly allowLoopbackSources: boolean;
  /** What channels of alerts may be declared for. */
  readonly alertReach: ReachPolicy;
  /** Who may roll back without an approval, and how soon that is to be reviewed. */
  readonly breakGlass: Settings["breakGlass"];
  readonly reviews: ReviewKeeper;
  /** Folder for uploads in progress; on the same disk as the state. */
  readonly uploadDir: string;
  /** Largest upload in bytes. */
  readonly maxUploadBytes: number;
  /** Version of AURA, for the description of the API. */
  readonly release: string;
  /** Link to Temporal's UI, where there is one. */
  readonly temporalUiUrl?: string;
}
