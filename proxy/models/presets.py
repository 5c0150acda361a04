"""Servers that can be named in place of their address. The data is `presets.yaml`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import yaml

_FIELDS = ("api_base", "api_key_name", "api_key_header")


@dataclass(frozen=True, slots=True)
class Preset:
    fields: Mapping[str, str]
    """Of an entry of the custom models file, by name; there is always `api_base`."""
    blank: str
    """The word in the address that every user replaces with their own; empty where there is none."""


@functools.cache
def presets() -> Mapping[str, Preset]:
    """By name, in the order of the package's data file, which is read once."""
    text = resources.files("proxy.models").joinpath("presets.yaml").read_text(encoding="utf-8")
    return MappingProxyType({name: _preset(entry) for name, entry in yaml.safe_load(text).items()})


def _preset(entry: Mapping[str, str]) -> Preset:
    blank = re.search(r"[A-Z]{2,}", entry["api_base"])
    return Preset({name: entry[name] for name in _FIELDS if name in entry}, blank[0] if blank else "")
