"""The real git client of a person, with nothing of this machine's own configuration."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from machinelabs_hub.labs.storage import gitprocess


@dataclass(frozen=True, slots=True)
class GitClient:
    """Runs git in `folder`, with a token or with none; `protocol` is git's 0, 1 or 2."""

    folder: Path
    token: str = ""
    protocol: int = 2

    def run(self, *words: str, at: str = ".", check: bool = True) -> str:
        """Run git at a place below the folder and return all that it said."""
        done = self.ask(*words, at=at)
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def refused(self, *words: str, at: str = ".") -> str:
        """Run git, which must fail, and return what it said."""
        done = self.ask(*words, at=at)
        assert done.returncode, f"git {' '.join(words)} went well: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def ask(self, *words: str, at: str = ".") -> subprocess.CompletedProcess[str]:
        """Run git and return how it ended."""
        settings = [
            f"protocol.version={self.protocol}",
            "user.name=Ada",
            "user.email=ada@example.org",
            "init.defaultBranch=main",
            "advice.detachedHead=false",
            "commit.gpgSign=false",
            # Asks as git does, with a fixed answer instead of a person's.
            f"credential.helper=!f() {{ echo username=anybody; echo password={self.token}; }}; f"
            if self.token
            else "credential.helper=",
        ]
        line = ["git", *(part for setting in settings for part in ("-c", setting)), *words]
        return subprocess.run(
            line,
            cwd=self.folder / at,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=gitprocess.ENVIRONMENT | {"PATH": os.environ["PATH"]},
        )

    def oid(self, name: str, *, at: str) -> str:
        """Return the id that `name` stands for."""
        return self.run("rev-parse", name, at=at).strip()

    def commit(self, at: str, files: dict[str, bytes], message: str) -> str:
        """Write files, commit them, and return the commit."""
        for path, content in files.items():
            target = self.folder / at / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self.run("add", "-A", "-f", at=at)
        self.run("commit", "--quiet", "--allow-empty", "-m", message, at=at)
        return self.oid("HEAD", at=at)
