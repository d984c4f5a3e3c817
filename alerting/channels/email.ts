import nodemailer from "nodemailer";
import type { ChannelTarget } from "../../schemas/alerts/alert-channel.ts";
import { checkedAddresses, isForbidden, reasonOf } from "./guarded-connection.ts";
import type { ReachPolicy } from "./guarded-connection.ts";
import { headlineOf } from "./told-alert.ts";
import type { Attempt, ToldAlert } from "./told-alert.ts";

export type MailTarget = Extract<ChannelTarget, { readonly kind: "email" }>;

const TIMEOUT_MS = 10_000;
const MAX_SUBJECT = 180;

/** What a mail says. */
export interface Mail {
  readonly idempotencyKey: string;
  readonly subject: string;
  readonly text: string;
}

/** The mail that tells of an alert. */
export const alertMail = (told: ToldAlert): Mail => ({
  idempotencyKey: told.idempotencyKey,
  subject: headlineOf(told),
  text: textOf(told),
});

/** Sends one mail. Its Message-ID is the same at each attempt, so that a mail server or reader shows it once. */
export async function sendMail(
  mail: Mail,
  target: MailTarget,
  { policy, password }: { readonly policy: ReachPolicy; readonly password: string | undefined },
): Promise<Attempt> {
  const { host, port, tls, user, from, to } = target;
  try {
    const isNamed = policy.hosts.includes(`${host.toLowerCase()}:${port}`);
    // The checked address is what is connected to; the certificate is still that of the name.
    const address = isNamed ? host : (await checkedAddresses(host, policy))[0]?.address;
    const transport = nodemailer.createTransport({
      host: address ?? host,
      port,
      secure: tls === "implicit",
      requireTLS: tls === "starttls",
      ignoreTLS: tls === "none",
      tls: { servername: host },
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(user === undefined || password === undefined ? {} : { auth: { user, pass: password } }),
    });
    await transport.sendMail({
      from,
      to: [...to],
      subject: `[aura] ${mail.subject}`.replaceAll(/\s+/g, " ").slice(0, MAX_SUBJECT),
      text: mail.text,
      messageId: `<${mail.idempotencyKey.replaceAll("/", ".")}@aura>`,
      headers: { "Auto-Submitted": "auto-generated" },
    });
    transport.close();
    return { outcome: "delivered", status: 250 };
  } catch (error) {
    return attemptOf(error);
  }
}

/** SMTP answers 5xx to what it will not take, and 4xx to what it may take later. */
function attemptOf(error: unknown): Attempt {
  const code = error instanceof Error && "responseCode" in error ? Number(error.responseCode) : Number.NaN;
  const status = Number.isInteger(code) ? code : null;
  const reason = status === null ? reasonOf(error) : `it answers ${status}`;
  const isFinal = isForbidden(error) || (status !== null && status >= 500);
  return { outcome: isFinal ? "refused" : "unavailable", status, reason };
}

function textOf(told: ToldAlert): string {
  const { alert } = told;
  const rows = [
    ["alert", String(alert.id)],
    ["state", alert.state],
    ["severity", alert.severity],
    ["rule", alert.rule ?? alert.kind],
    ["about", alert.subject],
    ["raised", alert.raisedAt],
    ...Object.entries(alert.labels),
    ["details", JSON.stringify(alert.details)],
  ];
  return `${headlineOf(told)}\n\n${rows.map(([name, value]) => `${name}: ${value}`).join("\n")}\n`;
}
