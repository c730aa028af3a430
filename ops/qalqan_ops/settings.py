"""Settings: one file (qalqan.toml), the environment over it (QALQAN_*), the command line over both."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from qalqan_ops.errors import SettingsError

Engine = Literal["vllm", "extractive", "upstream"]


class Settings(BaseSettings):
    """Everything an operator sets; paths may be relative to the folder that the command runs in."""

    model_config = SettingsConfigDict(env_prefix="QALQAN_", toml_file="qalqan.toml", extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    ui: bool = True
    ui_port: int = Field(7860, ge=1, le=65535)
    data: Path = Path(".qalqan")
    profile: Literal["local", "closed"] = "local"
    workers: int = Field(1, ge=1, le=64)

    engine: Engine | None = None
    model: Path | None = None
    upstream: str | None = None
    upstream_model: str = "default"
    upstream_key: str = ""
    upstream_context_tokens: int = Field(8192, ge=256)

    qdrant_url: str | None = None
    default_audience: Literal["pupil", "adult", "agency"] = "pupil"
    passages: int = Field(4, ge=1, le=20)
    policies: Path | None = None
    provider_bin: str = Field("", pattern=r"^(\d{12})?$")
    max_body_bytes: int = Field(1_000_000, ge=1_000)

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        # Keys don't exist yet, so an open API must not be reachable from elsewhere.
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError("this version serves this machine only; use 127.0.0.1")
        return host

    @model_validator(mode="after")
    def _one_engine(self) -> Settings:
        if self.model and self.upstream:
            raise ValueError("model and upstream exclude each other; name one")
        if self.engine == "vllm" and not self.model:
            raise ValueError("engine vllm needs a model folder; add --model DIR")
        if self.engine == "extractive" and (self.model or self.upstream):
            raise ValueError("engine extractive takes no model; leave --model and --upstream out")
        return self

    @property
    def chosen_engine(self) -> Engine:
        """The engine that follows from what is set; quotation where there is no model."""
        return "vllm" if self.model else "upstream" if self.upstream else "extractive"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def environment(self) -> dict[str, str]:
        """These settings as QALQAN_* variables, for child processes."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {f"QALQAN_{name.upper()}": str(value) for name, value in values.items()}


def load(**given: Any) -> Settings:
    """Settings with what the command line gave (None means not given). Raises SettingsError in one sentence."""
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(p) for p in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"Setting {where}: {said}." if where else f"{said[:1].upper()}{said[1:]}.") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"qalqan.toml can't be read: {error}.") from None
