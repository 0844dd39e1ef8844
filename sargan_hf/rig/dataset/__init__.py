"""From a folder of portraits to a data set: what to render, the processes that do it, shards, card and sheets."""

from ..._moved import renamed

__getattr__ = renamed(
    __name__,
    {name: f"{__name__}.build:{name}" for name in ("Progress", "Summary", "schema", "build_dataset")},
)
