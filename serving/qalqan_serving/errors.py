"""Errors of the gateway. A refusal is an outcome (see `turn.Outcome`), never one of these.

QalqanError             status, type and code in OpenAI's shape; the message is one sentence with the way out
├ BadRequest            400, 404, 413, 415: the client can mend it
├ ModelUnavailable      503: the model is down, late or answers garbage
├ StoreUnavailable      503: the library does not answer
└ AuditUnavailable      503: the outcome can't be recorded, so nothing is answered
"""

from __future__ import annotations


class QalqanError(Exception):
    """Base of the gateway's errors; knows how OpenAI's clients expect to read it."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if status is not None:
            self.status = status
        if code is not None:
            self.code = code


class BadRequest(QalqanError):
    """The request can't be served as it is; the message says what to change."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class ModelUnavailable(QalqanError):
    """The model gives no usable answer now; the client may try again."""

    status = 503
    code = "model_unavailable"


class StoreUnavailable(QalqanError):
    """The library gives no answer now; the client may try again or ask without it (`knowledge: null`)."""

    status = 503
    code = "store_unavailable"


class AuditUnavailable(QalqanError):
    """The audit log takes no event, so nothing may be answered."""

    status = 503
    code = "audit_unavailable"
