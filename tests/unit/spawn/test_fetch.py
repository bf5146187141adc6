"""What the waiting page says of an image that comes, from what the engine says."""

from machinelabs_hub.spawn.fetch import MIB, Progress


def line(layer: str, status: str, come: int = 0, size: int = 0) -> dict[str, object]:
    detail = {"current": come * MIB, "total": size * MIB} if size else {}
    return {"id": layer, "status": status, "progressDetail": detail}


def test_at_first_nobody_knows_how_much_there_is() -> None:
    progress = Progress()
    progress.note({"status": "Pulling from machinelabs/base", "id": "4f2a"})
    progress.note(line("a", "Pulling fs layer"))
    assert progress.sentence == "Fetching the image"


def test_layers_add_up_and_what_is_unpacked_does_not_count_anew() -> None:
    progress = Progress()
    progress.note(line("a", "Downloading", 100, 400))
    progress.note(line("b", "Downloading", 50, 100))
    assert progress.sentence == "Fetching the image: 150 MiB of 500 MiB"
    progress.note(line("a", "Download complete"))
    progress.note(line("a", "Extracting", 3, 400))
    assert progress.sentence == "Fetching the image: 450 MiB of 500 MiB"


def test_a_layer_that_is_there_already_is_not_fetched() -> None:
    progress = Progress()
    progress.note(line("a", "Already exists"))
    assert progress.layers == {}
