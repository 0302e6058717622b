"""Every error Shardwarden raises on purpose, drawn as a tree.

    ShardwardenError          exit code 1
    ├── UsageError            exit code 2
    │   └── NoShards
    ├── CatalogBusy
    ├── CatalogMismatch
    ├── ScorerError
    │   └── WeightsUnavailable
    └── ImageError            carries .reason; becomes a failed row, never ends a scan

`str(error)` is the one line the command prints: where, what is wrong with which values, and
what to do about it.
"""

from __future__ import annotations


class ShardwardenError(Exception):
    """Base of all errors raised on purpose; ends a command with `exit_code`."""

    exit_code: int = 1


class UsageError(ShardwardenError):
    """The command or a file given to it is wrong, and only the user can put it right."""

    exit_code = 2


class NoShards(UsageError):
    """A source matched no shard; the message names the pattern."""


class CatalogBusy(ShardwardenError):
    """Another scan is writing this catalog."""


class CatalogMismatch(ShardwardenError):
    """The catalog was made with another scorer, taxonomy or format version."""


class ScorerError(ShardwardenError):
    """A scorer folder is damaged, incomplete or does not fit its encoder."""


class WeightsUnavailable(ScorerError):
    """The scorer needs weights that are neither here nor can be fetched."""


class ImageError(ShardwardenError):
    """An image that cannot or must not be decoded.

    reason   short, stable, snake_case code: "truncated", "too_many_pixels", "too_many_bytes",
             "not_an_image", "unsupported_format", "zero_size", "corrupt", ...
    detail   one line of text with the values; the code alone when left out
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        """Rebuild from both arguments: decoding may run in another process."""
        return type(self), (self.reason, self.detail)
