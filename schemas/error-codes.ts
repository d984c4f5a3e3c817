/**
 * Every error code of the product: one row each, stable and never reused.
 *
 * `schemas/error-codes` is one of the two modules a workflow may import as a value, so it holds
 * plain data only. Mapping to Temporal is `activities/failures.ts`, to HTTP `api/on-error.ts`.
 */

/** How one code behaves wherever it surfaces. */
export interface ErrorCodeRow {
  /** HTTP status of the problem+json reply. */
  readonly status: number;
  /** Whether trying again later, unchanged, can succeed. */
  readonly retryable: boolean;
  /** Expected in normal operation: logged at info, not counted as a failure. */
  readonly benign?: boolean;
  /** One-line cause, for people. */
  readonly cause: string;
  /** What to do next, for people. */
  readonly remedy: string;
}

const row = (status: number, retryable: boolean, cause: string, remedy: string): ErrorCodeRow => ({
  status,
  retryable,
  cause,
  remedy,
});

export const ERROR_CODES = {
  // --- bad input -----------------------------------------------------------------------------
  invalid_body: row(
    422,
    false,
    "The request body does not match its schema.",
    "Correct the field named in the reply.",
  ),
  invalid_json: row(
    400,
    false,
    "The body is not strict JSON (syntax, duplicate key, depth, or a number out of range).",
    "Send RFC 8259 JSON with finite numbers and unique keys.",
  ),
  body_too_large: row(
    413,
    false,
    "The body is larger than the limit of this route.",
    "Send fewer rows, or use an upload or Arrow.",
  ),
  unsupported_media_type: row(
    415,
    false,
    "The Content-Type or Content-Encoding is not accepted here.",
    "Use the type the OpenAPI page names for this route.",
  ),
  invalid_name: row(
    422,
    false,
    "A name does not match [a-z0-9][a-z0-9._-]{0,63}.",
    "Rename it; ids of assets, sites and customers may be any text.",
  ),
  invalid_pipeline: row(
    422,
    false,
    "The pipeline file is not valid.",
    "Correct the line and field named; `aura validate` checks it again.",
  ),
  invalid_source: row(
    422,
    false,
    "The declaration of a live source is not valid.",
    "Correct the line and field named.",
  ),
  invalid_feed: row(
    422,
    false,
    "The declaration of a feed is not valid.",
    "Correct the line and field named.",
  ),
  invalid_alert_rule: row(
    422,
    false,
    "The declaration of an alert rule or of a channel is not valid.",
    "Correct the line and field named.",
  ),
  invalid_signature_input: row(
    422,
    false,
    "The rows do not match the model's signature.",
    "Send every field of the signature with its type.",
  ),
  invalid_query: row(
    422,
    false,
    "A query parameter is unknown or out of range.",
    "Correct the parameter or option named.",
  ),
  bad_file: row(
    422,
    false,
    "A file is not there, or cannot be read as declared.",
    "Check its path, or mend the file. Of a source of a pipeline: mend its format in the pipeline file, or leave out one of many by naming the others in `files:`.",
  ),
  quality_gate: row(
    422,
    false,
    "The share of bad rows or of missing values is above its threshold.",
    "Mend the rows named, their declaration (format, decimal, time, range) or the rule.",
  ),
  leakage: row(
    422,
    false,
    "The data leaks the label or mixes training and holdout.",
    "Remove the column or correct the split named.",
  ),
  not_enough_data: row(
    422,
    false,
    "There are too few rows, assets or classes for this step.",
    "Add data or loosen the split.",
  ),
  // --- access --------------------------------------------------------------------------------
  unauthenticated: row(
    401,
    false,
    "The key is missing, expired, revoked or wrong.",
    "Send a valid key as `Authorization: Bearer …`.",
  ),
  forbidden: row(
    403,
    false,
    "The key's role or scope does not allow this.",
    "Use a key, or with --as a person, that this is open to; the message says to whom.",
  ),
  forbidden_origin: row(
    403,
    false,
    "The request comes from another origin or host.",
    "Call the loopback address directly, or create keys.",
  ),
  self_approval: row(
    403,
    false,
    "The requester may not decide on their own request.",
    "Ask another approver.",
  ),
  // --- state ---------------------------------------------------------------------------------
  not_found: row(
    404,
    false,
    "There is no such thing, or it is outside your scope.",
    "Check the name or id; the list commands show what there is, as far as the key's sites go.",
  ),
  conflict: row(
    409,
    false,
    "The thing already exists with other content, or its state does not allow this.",
    "Look at its present state (`show` or `status` of the same command), then decide anew.",
  ),
  source_retired: row(
    409,
    false,
    "The live source is retired: it takes no readings.",
    "Send to another source, or declare it anew (`aura sources put`) to bring it back.",
  ),
  last_admin_key: row(
    409,
    false,
    "It is the last key that may make others: without it nobody could manage keys any more.",
    "Make another admin key for all sites first (`aura keys create <name> --role admin`), then revoke this one with it.",
  ),
  not_explainable: row(
    409,
    false,
    "The version has no explanation file: it was made elsewhere or by an earlier release.",
    "Ask without `explain`, or train the model anew.",
  ),
  already_decided: row(
    409,
    false,
    "The approval is already decided, expired, or names another digest.",
    "Read the approval; start a new run if it is over.",
  ),
  no_champion: row(
    409,
    false,
    "The model has no production version.",
    "Approve and promote a version first.",
  ),
  retrain_refused: row(
    409,
    false,
    "A retrain or a run of the model is open, or its last retrain is too young.",
    "Look at `aura retrain list` for what is in the way and until when.",
  ),
  features_unbound: row(
    409,
    false,
    "No live source feeds the features of this model.",
    "Declare a source with the columns of the pipeline, and name it as `live` there or like the pipeline.",
  ),
  features_unfit: row(
    409,
    false,
    "Features of the asset are stale, unfit or not there, and the pipeline's policy is to refuse.",
    "Look at `GET /v1/features/{asset}` for the reasons.",
  ),
  idempotency_mismatch: row(
    422,
    false,
    "The Idempotency-Key was used before with another body.",
    "Use a new key for a new request.",
  ),
  not_ready: { ...row(409, true, "The thing is not ready yet.", "Wait and ask again."), benign: true },
  // --- outcomes of a run ---------------------------------------------------------------------
  gate_refused: row(
    409,
    false,
    "The model version did not pass its gates.",
    "Read the gate table of the run.",
  ),
  parity_failed: row(
    422,
    false,
    "The ONNX graph and the trainer disagree.",
    "This is a defect: keep the run's report and file it.",
  ),
  cancelled: {
    ...row(409, false, "The work was cancelled by a person.", "Start it again when wanted."),
    benign: true,
  },
  // --- integrity -----------------------------------------------------------------------------
  integrity: row(
    500,
    false,
    "Stored bytes do not match their recorded hash.",
    "The artefact is not used; restore it from a backup.",
  ),
  model_refused: row(
    422,
    false,
    "The ONNX file fails the static checks.",
    "Export it with allowed operators and no external data.",
  ),
  trainer_failed: row(
    422,
    false,
    "A trainer on another task queue ended with an error of its own.",
    "Read the message and the trainer's log; its rows are the feature set named in its input.",
  ),
  model_output_invalid: row(
    500,
    false,
    "The model answered NaN or Infinity.",
    "The answer is withheld; check the input and the model.",
  ),
  prediction_deadline: row(
    503,
    true,
    "The inference child did not answer before its deadline.",
    "Try again; the child is replaced.",
  ),
  too_many_readings: row(
    429,
    true,
    "More readings arrive than are stored.",
    "Send them again after Retry-After; none is stored twice.",
  ),
  overloaded: row(503, true, "The queue of the inference pool is full.", "Try again after Retry-After."),
  // --- dependencies --------------------------------------------------------------------------
  features_unavailable: row(
    503,
    true,
    "No scorer answers for the features of this asset.",
    "It is retried; check that a scorer runs (`aura status`).",
  ),
  database_unavailable: row(503, true, "PostgreSQL does not answer.", "It is retried; check `aura status`."),
  objects_unavailable: row(
    503,
    true,
    "The object store does not answer or is full.",
    "It is retried; check space and `aura status`.",
  ),
  temporal_unavailable: row(503, true, "Temporal does not answer.", "It is retried; check `aura status`."),
  source_unavailable: row(
    503,
    true,
    "A remote source does not answer.",
    "It is retried; check the source's URL.",
  ),
  channel_unavailable: row(
    503,
    true,
    "A channel of alerts does not take them now.",
    "It is retried for a day; `aura alerts deliveries list` tells why, and `replay` tells it again.",
  ),
  trainer_unavailable: row(
    503,
    false,
    "No worker serves the task queue of an external trainer.",
    "Start the trainer's worker, or correct `taskQueue`, and run again.",
  ),
  api_unavailable: row(
    503,
    true,
    "The AURA API does not answer.",
    "Check AURA_API_URL, or start the platform with `aura up`.",
  ),
  trace_unavailable: row(
    503,
    true,
    "The trace spool cannot be written and the policy is to refuse.",
    "Free disk space, or set trace.onFull to answer.",
  ),
  // --- the machine ---------------------------------------------------------------------------
  config_invalid: row(
    500,
    false,
    "A setting or an option is missing or wrong.",
    "Correct the variable or option named.",
  ),
  platform_locked: row(
    409,
    false,
    "Another AURA instance uses this state directory.",
    "Use it, or stop it with `aura down`.",
  ),
  platform_part_missing: row(
    500,
    false,
    "A part of the embedded platform cannot be had on this machine.",
    "Run `aura doctor`.",
  ),
  internal: row(500, false, "A defect in AURA.", "Report it with the id in the reply."),
} as const satisfies Record<string, ErrorCodeRow>;

export type ErrorCode = keyof typeof ERROR_CODES;
