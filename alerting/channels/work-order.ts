import type { ChannelTarget } from "../../schemas/alerts/alert-channel.ts";
import type { WorkOrderDocument } from "../../schemas/maintenance/work-order.ts";
import { channelSecret } from "./channel-secret.ts";
import { sendMail } from "./email.ts";
import type { Mail } from "./email.ts";
import { post } from "./guarded-connection.ts";
import type { Post } from "./guarded-connection.ts";
import { plain, signedPost } from "./post-channels.ts";
import type { SendAround } from "./send.ts";
import type { Attempt } from "./told-alert.ts";

/** A work order on its way to a channel. */
export interface ToldWorkOrder {
  /** The same for every attempt: receivers know by it what they had already. */
  readonly idempotencyKey: string;
  readonly at: string;
  readonly workOrder: WorkOrderDocument;
}

/**
 * Sends a work order to a channel once: to a webhook as JSON, signed as alerts are, else as text. Never throws for what the
 * other side does.
 *
 * @throws {PlatformError} invalid_alert_rule: a secret is not there
 */
export async function sendWorkOrder(
  told: ToldWorkOrder,
  target: ChannelTarget,
  { policy, secrets }: SendAround,
): Promise<Attempt> {
  switch (target.kind) {
    case "webhook": {
      const secret = await channelSecret(target.secret, secrets);
      const { idempotencyKey: id, at, workOrder } = told;
      const document = { id, event: "work_order", at, workOrder };
      return post(signedPost(document, { url: target.url, secret, now: Date.now() }), policy);
    }
    case "slack":
      return post(slackPostOf(told, await channelSecret(target.url, secrets)), policy);
    case "email": {
      const password =
        target.password === undefined ? undefined : await channelSecret(target.password, secrets);
      return sendMail(mailOf(told), target, { policy, password });
    }
    case "alertmanager":
      return { outcome: "refused", status: null, reason: "Alertmanager takes alerts and no work orders" };
  }
}

function slackPostOf(told: ToldWorkOrder, url: string): Post {
  const [head = "", ...rest] = linesOf(told.workOrder);
  const body = JSON.stringify({ text: plain(head), attachments: [{ text: plain(rest.join("\n")) }] });
  return { url, body, headers: { "idempotency-key": told.idempotencyKey } };
}

function mailOf({ idempotencyKey, workOrder }: ToldWorkOrder): Mail {
  const { asset, id, isCritical } = workOrder;
  return {
    idempotencyKey,
    subject: `work order ${id}${isCritical ? " (critical)" : ""}: ${asset}`,
    text: `${linesOf(workOrder).join("\n")}\n`,
  };
}

/** The order in words; the first line says what is to be done. */
export function linesOf(order: WorkOrderDocument): string[] {
  const { id, asset, site, action, due, reasons, costs, model, version, decidedBy, events } = order;
  const money = (amount: number) => `${Math.round(amount)} ${costs?.currency ?? ""}`.trim();
  return [
    action,
    `order: ${id}`,
    `asset: ${asset}${site === null ? "" : ` at ${site}`}`,
    ...(due === null
      ? []
      : [
          `begin by: ${due.by}${typeof due.by === "number" ? " (cycle)" : ""}${due.isOverdue ? ", which is past" : ""}`,
        ]),
    ...(reasons ?? []).map(
      ({ feature, value, unit = "", contribution }) =>
        `because: ${feature} is ${value ?? "missing"}${unit === "" ? "" : ` ${unit}`} (${Number(contribution.toPrecision(3))})`,
    ),
    ...(costs === null
      ? []
      : [`expected cost: acting ${money(costs.acting)}, waiting ${money(costs.waiting)}`]),
    `decided by: ${decidedBy.length === 0 ? "the rule of the pipeline" : decidedBy.join(", ")}`,
    `model: ${model}@${version}`,
    `say what came of it: POST ${events}`,
  ];
}
