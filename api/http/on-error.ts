import type { Logger } from "pino";
import { z } from "zod";
import { ERROR_CODES } from "../../schemas/error-codes.ts";
import type { ErrorCode, ErrorCodeRow } from "../../schemas/error-codes.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import type { ApiContext } from "./context.ts";
import { SECURITY_HEADERS } from "./headers.ts";

/** RFC 9457 body of every refusal outside `/v2`. `code` is stable; `detail` is for people. */
export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  remedy: z.string(),
  errors: z.array(z.record(z.string(), z.union([z.string(), z.number()]))).optional(),
  requestId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Seconds a client should wait before it repeats a request that a 429 or 503 refused. */
const RETRY_AFTER_SECONDS = 1;

/** A thrown value as PlatformError; whatever is not one is a defect and becomes `internal`. */
export function toPlatformError(error: unknown): PlatformError {
  if (isPlatformError(error)) return error;
  if (error instanceof z.ZodError) return invalidInput("invalid_body", "read body", error);
  return new PlatformError("internal", "unexpected failure", { cause: error });
}

/** Schema problems as one error with a location per problem; quotes no value of the request. */
export function invalidInput(code: ErrorCode, operation: string, error: z.ZodError): PlatformError {
  const locations: ErrorLocation[] = error.issues.slice(0, 20).map((issue) => ({
    field: issue.path.map(String).join(".") || "(body)",
    expected: issue.message,
  }));
  const first = locations[0];
  return new PlatformError(code, `${operation} [${first?.field}]: ${first?.expected}`, { locations });
}

/**
 * Problem document of an error. Faults of ours (5xx) show the code's own words only: their messages may hold
 * paths, SQL or addresses. The 401 body is the same in every case.
 */
export function problemOf(error: PlatformError, requestId: string): Problem {
  const { status, cause, remedy } = ERROR_CODES[error.code];
  const isOurs = status >= 500;
  const detail = isOurs || status === 401 ? cause : error.message;
  return {
    type: `urn:aura:error:${error.code}`,
    title: cause,
    status,
    code: error.code,
    detail,
    remedy,
    ...(error.locations.length > 0 && !isOurs ? { errors: error.locations.map((l) => ({ ...l })) } : {}),
    ...(isOurs ? { requestId } : {}),
  };
}

/** A refusal as it goes over the wire. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Maps a thrown value to its reply and logs faults of ours; `/v2` answers in the Open Inference Protocol's own form. */
export function errorReply(
  logger: Logger,
  thrown: unknown,
  where: { readonly requestId: string; readonly path: string },
): ErrorReply {
  const error = toPlatformError(thrown);
  const { requestId, path } = where;
  const problem = problemOf(error, requestId);
  if (problem.status >= 500) logFault(logger, error, { requestId, path });
  const isV2 = path === "/v2" || path.startsWith("/v2/");
  return {
    status: problem.status,
    headers: {
      ...SECURITY_HEADERS,
      "content-type": isV2 ? "application/json" : "application/problem+json",
      ...(requestId === "" ? {} : { "x-request-id": requestId }),
      ...headersOf(problem.status),
    },
    body: JSON.stringify(isV2 ? { error: problem.detail } : problem),
  };
}

/** `errorReply` as Hono's error handler. */
export function createOnError(logger: Logger): (error: Error, c: ApiContext) => Response {
  return (thrown, c) => {
    const where = { requestId: c.get("requestId") ?? "", path: c.req.path };
    const { status, headers, body } = errorReply(logger, thrown, where);
    return new Response(body, { status, headers: { ...headers } });
  };
}

function headersOf(status: number): Record<string, string> {
  switch (status) {
    case 401:
      return { "www-authenticate": 'Bearer realm="aura"' };
    case 413:
    case 415:
      // What is left of a refused body is not read; the connection cannot be used again.
      return { connection: "close" };
    case 429:
    case 503:
      return { "retry-after": String(RETRY_AFTER_SECONDS) };
    default:
      return {};
  }
}

function logFault(logger: Logger, error: PlatformError, where: { requestId: string; path: string }): void {
  const { benign, retryable }: ErrorCodeRow = ERROR_CODES[error.code];
  const level = benign === true ? "info" : retryable ? "warn" : "error";
  logger[level]({ ...where, code: error.code, err: error }, "request failed");
}
