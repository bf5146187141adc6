"""Publish revision after revision until killed; say each number once it was answered.

`python -m tests.integration.labs.crash DATA [DATABASE]`
"""

import sys
from pathlib import Path

from tests.support.many_labs import notebook, tar_of, tools_of

from machinelabs_hub.labs.models.lab import LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.reindex import settle
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.settings import Database, Settings

ADA = Person("ada", "Ada")


def main() -> None:
    """Publish for ever."""
    data, url = Path(sys.argv[1]), "".join(sys.argv[2:])
    tools = tools_of(Settings(data=data, database=Database(url=url)))
    settle(tools)
    labs, revisions = LabService(tools=tools, viewer=ADA), RevisionService(tools=tools, viewer=ADA)
    if "digits" not in tools.labs.names_of("ada"):
        draft = LabDraft(title="Digits", visibility=Visibility.PUBLIC)
        labs.publish(draft, tar_of({"main.ipynb": notebook(), "n.txt": b"1"}))
    number = labs.get("ada", "digits").revision
    while True:
        files = {"main.ipynb": notebook(kilobytes=50), "n.txt": str(number + 1).encode()}
        made, _ = revisions.publish("ada", "digits", base=number, message="", files=tar_of(files))
        number = made.number
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
