"""How every notebook server of the site is set up; a person's own ~/.jupyter comes after it."""

import os

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# Sockets in the file system: no other container can reach a kernel, and no port can clash.
c.ConnectionFileMixin.transport = "ipc"
# Extensions belong to the image; what a person installs for notebooks is pip's affair.
c.LabApp.extension_manager = "readonly"
# The classic notebook's settings name nothing here.
c.ServerApp.jpserver_extensions = {"notebook_shim": False}
# The other cookies are JupyterHub's, which sees to it itself.
if os.environ.get("MACHINELABS_HUB_PUBLIC_URL", "").startswith("https://"):
    c.ServerApp.tornado_settings = {"xsrf_cookie_kwargs": {"secure": True}}
