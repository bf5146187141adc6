"""Of the fields of a body that nobody knows, tell of one: a large body may hold a million."""

from typing import Any

from pydantic import BaseModel, model_validator


class OneStranger(BaseModel):
    """A body whose unknown fields cost one error, not one each."""

    @model_validator(mode="before")
    @classmethod
    def _leave_one(cls, said: Any) -> Any:
        known = cls.model_fields
        if not isinstance(said, dict) or len(said) <= len(known):
            return said
        kept = {name: said[name] for name in known if name in said}
        stranger = next(name for name in said if name not in known)
        return kept | {stranger: said[stranger]}
