"""How the description of the API says that a request is JSON and a tar in two parts."""

from typing import Any

from pydantic import BaseModel


def described(said: str, kind: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI request body of an upload with the parts `said` and `files`."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": [said, "files"],
                        "properties": {
                            said: schema,
                            "files": {
                                "type": "string",
                                "format": "binary",
                                "description": "A plain tar of the whole lab: files and folders.",
                            },
                        },
                    },
                    "encoding": {
                        said: {"contentType": "application/json"},
                        "files": {"contentType": "application/x-tar"},
                    },
                }
            },
        }
    }
