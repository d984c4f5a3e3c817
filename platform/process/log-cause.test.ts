import { expect, it } from "vitest";
import { causeInLog, saysPortTaken } from "./log-cause.ts";

const info = '{"level":30,"msg":"worker ready"}';
const fatal = (err: object): string => JSON.stringify({ level: 60, err, msg: "worker ended" });

it.each<[string, string, string]>([
  ["nothing", "", ""],
  ["no error", "one\nlast words\n\n", "last words"],
  [
    "a fatal line of ours with its stack",
    `${info}\n${fatal({ type: "TransportError", message: "connect: refused", stack: "Error: x\n    at y" })}\n`,
    "connect: refused",
  ],
  [
    "a coded error, whose line is not the last",
    `${fatal({ code: "config_invalid", message: "read AURA_QUEUES" })}\n${info}\n`,
    "config_invalid: read AURA_QUEUES",
  ],
  ["an error without more", '{"level":50,"msg":"no disk"}', "no disk"],
  ["a message of several lines", fatal({ message: "first\nsecond" }), "first"],
  [
    "what Node.js prints",
    "file:///a.js:1\nthrow new Error('x')\n^\n\nError: Cannot find module 'y'\n    at z (a.js:1)\n\nNode.js v20.20.2\n",
    "Error: Cannot find module 'y'",
  ],
  [
    "PostgreSQL",
    "LOG:  could not bind\nFATAL:  could not create any TCP/IP sockets\nLOG:  database system is shut down\n",
    "FATAL:  could not create any TCP/IP sockets",
  ],
  ["half a line", `{"level":60,"err":{"mess`, `{"level":60,"err":{"mess`],
])("finds the cause in %s", (_name, text, cause) => {
  expect(causeInLog(text)).toBe(cause);
});

it("bounds the cause", () => expect(causeInLog("x".repeat(9_999))).toHaveLength(301));

it.each([
  ["Node.js", "Error: listen EADDRINUSE: address already in use 127.0.0.1:8080", true],
  ["Go", "listen tcp 127.0.0.1:7233: bind: address already in use", true],
  ["PostgreSQL", 'could not bind IPv4 address "127.0.0.1": Address already in use', true],
  ["another error", "connect ECONNREFUSED 127.0.0.1:8080", false],
])("knows a taken port in the words of %s", (_name, text, isTaken) => {
  expect(saysPortTaken(text)).toBe(isTaken);
});
