"""What a server is started with: offered, chosen, checked and remembered."""

from typing import Any

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.gpu.desk import GpuDesk
from machinelabs_hub.gpu.model import Room
from machinelabs_hub.spawn.form import render_form
from machinelabs_hub.spawn.options import Choice, choose, from_form, remembered, without_gpu
from machinelabs_hub.spawn.refusal import refusal


class Choosing:
    """What a spawner adds so that a person chooses an image and a size, and finds them again."""

    site: Any
    user: Any
    orm_spawner: Any
    user_options: Any

    choice: Choice | None = None
    """What the start under way, or the server that this hub started, was chosen to be."""
    _last_good: dict[str, str]

    @property
    def desk(self) -> GpuDesk:
        """The site's desk of GPUs."""
        raise NotImplementedError

    def check_ticket(self, image: str, flavour: str) -> None:
        """Return if no ticket is needed, or there is one for just this."""
        raise NotImplementedError

    def rooms(self) -> dict[str, Room]:
        """Return how many GPUs are free for each flavour that needs some."""
        raise NotImplementedError

    def last_choice(self) -> Choice:
        """Return what this person started last, here or on their default server, else defaults."""
        servers = self.site.settings.servers
        default = Choice(image=servers.default_image, flavour=servers.default_flavour)
        first = self.user.orm_spawners.get("")
        for options in (first and (first.state or {}).get("choice"), self._last_good):
            default = remembered(
                options,
                catalog=self.site.catalog,
                default=default,
                offers_gpus=self.desk.offers_gpus,
            )
        return default

    async def _render_form(self, spawner: Any) -> str:  # noqa: ARG002
        return render_form(
            site=self.site,
            choice=self.last_choice(),
            offers_gpus=self.desk.offers_gpus,
            rooms=self.rooms(),
        )

    def _read_form(self, fields: dict[str, Any]) -> dict[str, Any]:
        try:
            options = from_form(fields)
            self.check(options)
        except MachineLabsError as error:
            raise refusal(error) from error
        return options

    def check(self, options: object) -> Choice:
        """Return the choice that `options` makes, or raise the `BadInput` that says why not."""
        choice = choose(
            options,
            catalog=self.site.catalog,
            last=self.last_choice(),
            offers_gpus=self.desk.offers_gpus,
        )
        self.check_ticket(choice.image, choice.flavour)
        return choice

    def _choose(self) -> Choice:
        try:
            choice = self.check(self.user_options)
        except MachineLabsError as error:
            self.forget_bad_choice()
            raise refusal(error) from error
        self._remember(choice.as_options())
        return choice

    def forget_bad_choice(self) -> None:
        """Go back to what was started last: a choice that cannot start must not stay."""
        self._remember(self._last_good)

    def _remember(self, options: dict[str, str]) -> None:
        self.user_options = options
        self.orm_spawner.user_options = options
        self.user.db.commit()

    @property
    def running_choice(self) -> Choice:
        """What the server that runs was started with, also by a hub before this one."""
        if self.choice is not None:
            return self.choice
        return Choice(**self._last_good) if self._last_good else self.last_choice()

    def choice_sentence(self) -> str:
        """Return what is started, for people: `PyTorch · Small`."""
        choice = self.choice or self.last_choice()
        catalog = self.site.catalog
        return f"{catalog.image(choice.image).title} · {catalog.flavour(choice.flavour).title}"

    def cpu_choice(self) -> dict[str, str] | None:
        """Return the options of a start without a GPU in place of this one; None: there is none."""
        choice = self.choice or self.last_choice()
        flavour = without_gpu(self.site.catalog, self.site.settings.servers.default_flavour)
        return Choice(choice.image, flavour).as_options() if flavour else None
