"""The knobs of what persists: where rows and bytes lie, and how much people may upload."""

from typing import Annotated

from pydantic import Field

from machinelabs_hub.yamlfile import Section


class Database(Section):
    """Where labs, accounts and the Hub's state are kept."""

    url: Annotated[
        str,
        Field(
            title="Database of labs and accounts",
            description="SQLAlchemy address, e.g. postgresql+psycopg://user@host/machinelabs. "
            "Empty: SQLite in DATA.",
        ),
    ] = ""
    hub_url: Annotated[
        str, Field(title="Database of JupyterHub", description="Empty: SQLite in DATA.")
    ] = ""
    durable: Annotated[
        bool,
        Field(
            title="Force the files of labs to the disk before answering",
            description="What was published outlives a power cut. False makes publishing many "
            "files faster.",
        ),
    ] = True


class Blobs(Section):
    """Where the contents of outputs and datasets lie, each once, named by its SHA-256."""

    url: Annotated[
        str,
        Field(
            pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?)?$",
            title="Bucket of contents",
            description="`s3://BUCKET` or `s3://BUCKET/FOLDER`, of Amazon or of any server that "
            "speaks S3. Empty: the folder `DATA/blobs`. Contents are not moved when this changes: "
            "copy them before, under the same names. Each site needs a bucket or a folder of its "
            "own: what a copy of a site (a rehearsed restore) does not know, it would remove. The "
            "object `site` says whose contents they are, and only that site removes any.",
        ),
    ] = ""
    endpoint: Annotated[
        str,
        Field(
            title="Address of the S3 server",
            description="For example https://minio.example.org:9000. Empty: Amazon's. Put the key "
            "into `DATA/secrets/blobs_key_id` and `DATA/secrets/blobs_key`; without them, what the "
            "machine itself may use counts (a role, a profile).",
        ),
    ] = ""
    region: Annotated[str, Field(title="Region of the bucket", description="Empty: its own.")] = ""


class Datasets(Section):
    """Datasets that people upload."""

    files: Annotated[int, Field(ge=1, title="Most files of a version of a dataset")] = 10_000
    gib: Annotated[
        int,
        Field(ge=1, title="Most that the files of a version hold together, GiB"),
    ] = 100
    versions: Annotated[
        int,
        Field(
            ge=1,
            title="Most versions of a dataset",
            description="Each costs a row of the database a file, also where no file is new. How "
            "often people make versions is bounded by `limits.publishes_per_hour`.",
        ),
    ] = 1000
    uploads: Annotated[
        int,
        Field(ge=1, title="Most uploads of a person that are not finished"),
    ] = 10
    upload_days: Annotated[
        int,
        Field(
            ge=1,
            title="Days that an upload can be gone on with",
            description="Counted from its beginning; then what came of it is dropped.",
        ),
    ] = 7
