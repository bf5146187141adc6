"""Have the folder of a person's own packages before the first of them is installed.

Python leaves a missing folder out when it starts. A kernel in a fresh home would then not find
what the first `pip install` brings, until it is restarted. `machinelabs_home.pth` imports this.
"""

import contextlib
import os
import site
import sys

if site.ENABLE_USER_SITE and os.getuid():
    folder = site.getusersitepackages()
    if folder not in sys.path:
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - pathlib would slow each start
            own = [at for at, path in enumerate(sys.path) if path.endswith("-packages")]
            sys.path.insert(own[0] if own else len(sys.path), folder)
