"""Records whose copies and pickles are as read-only as they are."""

from dataclasses import fields
from typing import Any


class Record:
    """A frozen dataclass that is rebuilt from its fields when it is copied or unpickled.

    So a copy's arrays are read-only as well, and nothing that was computed from others comes along.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make a copy: by calling the class."""
        # Cached properties are left behind: they are computed anew.
        values = tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]
        return type(self), values
