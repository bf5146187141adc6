"""A lab to begin with: a folder whose README.md says its title and what it is about. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """What people choose from."""

    name: str
    title: str
    description: str
    image: str | None


def words_of(readme: str, name: str) -> tuple[str, str]:
    """Return the title and the first paragraph of a README; without a title its folder's name."""
    title, paragraph = "", list[str]()
    for line in readme.splitlines():
        text = line.strip()
        if text.startswith("# ") and not title and not paragraph:
            title = text.removeprefix("# ").strip()
        elif text and not text.startswith("#"):
            paragraph.append(text)
        elif paragraph:
            break
    return title or name.replace("-", " ").capitalize(), " ".join(paragraph)
