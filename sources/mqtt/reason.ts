/** Reason codes of MQTT 5 that are used here, and what 3.1.1 says instead in CONNACK. */
export const REASON = {
  success: { code: 0, connack: 0 },
  protocolError: { code: 0x82, connack: 0 },
  implementation: { code: 0x83, connack: 0 },
  version: { code: 0x84, connack: 1 },
  clientId: { code: 0x85, connack: 2 },
  credentials: { code: 0x86, connack: 4 },
  notAuthorized: { code: 0x87, connack: 5 },
  unavailable: { code: 0x88, connack: 3 },
  /** What DISCONNECT says of the same. */
  busy: { code: 0x89, connack: 3 },
  takenOver: { code: 0x8e, connack: 0 },
  topicInvalid: { code: 0x90, connack: 0 },
  topicAlias: { code: 0x94, connack: 0 },
  noSubscriptions: { code: 0x87, connack: 0 },
} as const;
export type ReasonName = keyof typeof REASON;

/** A refusal that the client is told. */
export class MqttRefusal extends Error {
  readonly reason: ReasonName;

  constructor(reason: ReasonName, message: string) {
    super(message);
    this.reason = reason;
  }
}
