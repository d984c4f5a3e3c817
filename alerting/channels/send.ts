import type { ChannelTarget } from "../../schemas/alerts/alert-channel.ts";
import { channelSecret } from "./channel-secret.ts";
import type { SecretPlaces } from "./channel-secret.ts";
import { alertMail, sendMail } from "./email.ts";
import { post } from "./guarded-connection.ts";
import type { ReachPolicy } from "./guarded-connection.ts";
import { alertmanagerPost, slackPost, webhookPost } from "./post-channels.ts";
import type { Attempt, ToldAlert } from "./told-alert.ts";

export interface SendAround {
  readonly policy: ReachPolicy;
  readonly secrets: SecretPlaces;
}

/**
 * Tells a channel once. Never throws for what the other side does.
 *
 * @throws {PlatformError} invalid_alert_rule: a secret is not there
 */
export async function send(
  told: ToldAlert,
  target: ChannelTarget,
  { policy, secrets }: SendAround,
): Promise<Attempt> {
  switch (target.kind) {
    case "webhook": {
      const secret = await channelSecret(target.secret, secrets);
      return post(webhookPost(told, { url: target.url, secret, now: Date.now() }), policy);
    }
    case "slack":
      return post(slackPost(told, await channelSecret(target.url, secrets)), policy);
    case "alertmanager":
      return post(alertmanagerPost(told, target.url), policy);
    case "email": {
      const password =
        target.password === undefined ? undefined : await channelSecret(target.password, secrets);
      return sendMail(alertMail(told), target, { policy, password });
    }
  }
}
