import { healthRoutes } from "./health.ts";
import { predictRoutes } from "./predict.ts";
import type { AnyRoute } from "./route.ts";

/** Every route of the API. A new resource is one file and one line here. */
export const ROUTES: readonly AnyRoute[] = [...predictRoutes, ...healthRoutes];
