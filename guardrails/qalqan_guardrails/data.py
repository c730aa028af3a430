"""Reads the YAML files that stand beside the code: rules, policies, texts. Every fault names the file and the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from qalqan_guardrails.errors import PolicyError

HERE = Path(__file__).parent
Shape = TypeVar("Shape", bound=BaseModel)


class _Loader(yaml.CSafeLoader):
    """YAML as its version 1.2 has it: a key stands once in a mapping, and the word "no" is a word."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it from the class
        letter: [(tag, pattern) for tag, pattern in resolvers if letter in "tfTF" or not tag.endswith(":bool")]
        for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for at, key in enumerate(keys):
        if key in keys[:at]:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_yaml(path: Path) -> Any:
    """The content of one YAML file. Raises PolicyError when it is missing, unreadable or not YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a subclass of the safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: cannot be read ({type(error).__name__}); check that the file is there.") from error
    except yaml.YAMLError as error:
        raise PolicyError(f"{path}: is not valid YAML ({' '.join(str(error).split())}).") from error


def read_as(path: Path, shape: type[Shape]) -> Shape:
    """The content of one YAML file in the given shape. Raises PolicyError with the file, the key and what is wrong."""
    return shaped(path, read_yaml(path), shape)


def shaped(path: Path, content: Any, shape: type[Shape]) -> Shape:
    """Content of `path`, already read, in the given shape. Raises PolicyError as `read_as` does."""
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file as a whole"
        raise PolicyError(f"{path}: {key}: {first['msg']}.") from error
