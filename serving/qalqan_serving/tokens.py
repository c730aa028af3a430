"""Token counts with the model's own tokenizer and chat template, from local files only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qalqan_guardrails.contract import Message
from qalqan_serving.errors import ModelUnavailable


class Tokenizer:
    """A tokenizer from a model folder; loading takes some seconds (transformers), counting microseconds."""

    def __init__(self, folder: Path) -> None:
        # Imported here: a gateway without a model folder starts without transformers.
        from transformers import AutoTokenizer

        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelUnavailable(
                f"The tokenizer in {folder} can't be read: name a folder with a complete model."
            ) from error

    def count(self, messages: tuple[Message, ...]) -> int:
        """Tokens of the conversation as the chat template writes it, the opening of the answer included."""
        chat = [{"role": m.role, "content": m.content} for m in messages]
        text = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        return len(self._tokenizer.encode(text, add_special_tokens=False))
