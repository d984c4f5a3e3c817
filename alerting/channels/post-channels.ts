import { createHmac } from "node:crypto";
import type { Post } from "./guarded-connection.ts";
import { headlineOf } from "./told-alert.ts";
import type { ToldAlert } from "./told-alert.ts";

/**
 * The alert as JSON, signed: `X-Aura-Signature: v1=` and the HMAC-SHA256 of timestamp, full stop and body in hexadecimal. A
 * receiver checks it and refuses old timestamps, so that nobody else tells it of alerts, and nobody tells it again.
 *
 * @param now ms since 1970
 */
export function webhookPost(
  told: ToldAlert,
  { url, secret, now }: { readonly url: string; readonly secret: string; readonly now: number },
): Post {
  const { idempotencyKey, event, at, alert } = told;
  return signedPost({ id: idempotencyKey, event, at, alert }, { url, secret, now });
}

/** A document with the id that receivers know it by, signed as said above. */
export function signedPost(
  document: { readonly id: string; readonly [member: string]: unknown },
  { url, secret, now }: { readonly url: string; readonly secret: string; readonly now: number },
): Post {
  const body = JSON.stringify(document);
  const timestamp = String(Math.floor(now / 1_000));
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  return {
    url,
    body,
    headers: {
      "idempotency-key": document.id,
      "x-aura-timestamp": timestamp,
      "x-aura-signature": `v1=${signature}`,
    },
  };
}

const COLOURS: Readonly<Record<string, string>> = {
  info: "#439FE0",
  warning: "#E8A317",
  critical: "#C0392B",
};
const CLEARED_COLOUR = "#2E8B57";

/** A message as Slack's incoming webhooks take it; what looks like markup is shown as it is. */
export function slackPost(told: ToldAlert, url: string): Post {
  const { alert, event, idempotencyKey } = told;
  const field = (title: string, value: string) => ({ title, value: plain(value), short: true });
  const body = JSON.stringify({
    text: plain(headlineOf(told)),
    attachments: [
      {
        color: event === "cleared" ? CLEARED_COLOUR : COLOURS[alert.severity],
        fields: [
          field("rule", alert.rule ?? alert.kind),
          field("about", alert.subject),
          field("state", alert.state),
          field("raised", alert.raisedAt),
          ...Object.entries(alert.labels).map(([name, value]) => field(name, value)),
        ],
      },
    ],
  });
  return { url, body, headers: { "idempotency-key": idempotencyKey } };
}

export const plain = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** So long it fires there without being told again: it is told when it is over. */
const FIRES_FOR_MS = 30 * 86_400_000;

/** As Prometheus Alertmanager's API v2 takes it. The same labels are the same alert. */
export function alertmanagerPost(told: ToldAlert, baseUrl: string): Post {
  const { alert, idempotencyKey } = told;
  const raisedAt = Date.parse(alert.raisedAt);
  const body = JSON.stringify([
    {
      labels: {
        ...alert.labels,
        alertname: alert.rule ?? alert.kind,
        severity: alert.severity,
        subject: alert.subject,
        ...(alert.asset === null ? {} : { asset: alert.asset }),
      },
      annotations: { summary: alert.message, alert: String(alert.id) },
      startsAt: alert.raisedAt,
      endsAt: alert.resolvedAt ?? new Date(raisedAt + FIRES_FOR_MS).toISOString(),
    },
  ]);
  const url = `${baseUrl.replace(/\/$/, "")}/api/v2/alerts`;
  return { url, body, headers: { "idempotency-key": idempotencyKey } };
}
