"""Errors of the knowledge package.

    KnowledgeError
    ├ StoreUnavailable   the vector store is locked, damaged or out of reach
    └ DocumentRefused    a file can't be taken into the library; the message says why

Each message is one sentence with the way out.
"""

from __future__ import annotations


class KnowledgeError(Exception):
    """Base of everything that this package raises on purpose."""


class StoreUnavailable(KnowledgeError):
    """The store is locked by another process, damaged, or does not answer."""


class DocumentRefused(KnowledgeError):
    """A document can't be taken in: unreadable, without metadata, or not lawful to hold."""
