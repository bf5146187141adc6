"""The templates of rendered content."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from machinelabs_hub.labs.models.sizes import size

TEMPLATES: Final = Path(__file__).parent.parent / "templates"

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(TEMPLATES / "render"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters["size"] = size


def fragment(template: str, **values: Any) -> str:
    """Return `templates/render/{template}` filled with `values`."""
    return _ENVIRONMENT.get_template(template).render(values)
