import { z } from "zod";
import { dataIdSchema, nameSchema } from "../../../schemas/names.ts";
import { limitQuery, serverIdSchema, sitesOf } from "../parts.ts";

/** What a list of maintenance is asked by; `state` is that of its rows, `unended` or `all`. */
export function maintenanceQuery<State extends z.ZodType<string>>(state: State) {
  return z.strictObject({
    state,
    model: nameSchema.optional(),
    asset: dataIdSchema.optional(),
    limit: limitQuery(),
    after: serverIdSchema.optional().describe("Id of the last one of the page before."),
  });
}

interface MaintenanceAsked<State extends string> {
  readonly state: State;
  readonly model?: string | undefined;
  readonly asset?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** The same for the stores; a key that is limited to sites finds what is at them. */
export function maintenanceFilter<State extends string>(
  { state, model, asset, limit, after }: MaintenanceAsked<State>,
  actor: Parameters<typeof sitesOf>[0],
) {
  return {
    limit,
    ...sitesOf(actor),
    ...(state === "all" ? {} : { state: state as Exclude<State, "all"> }),
    ...(model === undefined ? {} : { model }),
    ...(asset === undefined ? {} : { asset }),
    ...(after === undefined ? {} : { after }),
  };
}
