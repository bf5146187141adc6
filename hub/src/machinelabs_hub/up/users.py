"""`machinelabs-hub users`: list, add and delete people of a running site."""

from machinelabs_hub.names import check_person_name
from machinelabs_hub.settings import AuthKind, Settings
from machinelabs_hub.sites import Addresses
from machinelabs_hub.spawn.containers import list_homes
from machinelabs_hub.up.asking import ask
from machinelabs_hub.up.operator import Operator

LABS: dict[str, str] = {
    "trash": "Their labs go to the trash; they can be had back for 30 days. Forks stay.",
    "keep": "Their labs stay readable under their name, which nobody else can take.",
}
HOME: dict[str, str] = {
    "keep": "Their home volume stays.",
    "remove": "Their home volume is removed for good, with all files in it.",
}


def list_people(settings: Settings) -> None:
    """Print one line a person."""
    for user in Operator(settings=settings).users():
        running = sum(1 for server in user.get("servers", {}).values() if server.get("ready"))
        role = "admin" if user["admin"] else "person"
        groups = f"  groups: {', '.join(user['groups'])}" if user.get("groups") else ""
        print(f"{user['name']:<32} {role:<7} {running} running{groups}")


def add_person(settings: Settings, name: str, *, is_admin: bool) -> None:
    """Make a person known to the Hub and say how they sign in."""
    Operator(settings=settings).add(check_person_name(name), is_admin=is_admin)
    print(f"{name} is known here{' as an admin' if is_admin else ''}.")
    if settings.auth.kind is AuthKind.LOCAL:
        print(f"Make them an invitation link at {Addresses(settings).hub}/hub/people.")
    else:
        print(f"They sign in at {Addresses(settings).hub}.")


def delete_person(settings: Settings, name: str, *, labs: str, home: str, sure: bool) -> int:
    """Say what deleting a person means; do it once it is agreed to."""
    operator = Operator(settings=settings)
    running = [key or "default" for key in operator.user(name).get("servers", {})]
    has_home = any(found.user == name for found in list_homes(settings))
    print(f"Deleting {name}:")
    print(f"  Servers that are stopped: {', '.join(running) or 'none runs'}.")
    print(f"  {LABS[labs]}")
    print(f"  {HOME[home] if has_home else 'They have no home volume.'}")
    if not sure and not ask(f"Type the name {name} to delete this person: ", expected=name):
        print("Nothing was done.")
        return 1
    operator.delete(name, labs=labs, home=home)
    print(f"{name} is deleted.")
    return 0
