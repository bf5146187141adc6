"""How every notebook server of the site is set up; a person's own ~/.jupyter comes after it."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# Sockets in the file system: no other container can reach a kernel, and no port can clash.
c.ConnectionFileMixin.transport = "ipc"
# Extensions belong to the image; what a person installs for notebooks is pip's affair.
c.LabApp.extension_manager = "readonly"
# Deleting moves to a trash folder in the home, also where the home is a volume of its own.
c.FileContentsManager.delete_to_trash = True
c.FileContentsManager.always_delete_dir = True
