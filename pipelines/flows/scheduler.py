"""Does Prefect's server answer? Asked without Prefect, by those who go on without it and by those who ask why nothing came."""

import re
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import urlopen

from features.errors import Problem

PATIENCE = 3.0
"""Seconds for an answer."""


def trouble(url: str | None) -> Problem | None:
    """W722 where a server is named and does not answer; None where it does, or none is named.

    Parameters
    ----------
    url
        Of its API, as `PREFECT_API_URL` has it.
    """
    if not url:
        return None
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=PATIENCE):
            return None
    except HTTPError as error:
        detail = f"HTTP {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        detail = str(getattr(error, "reason", error)) or type(error).__name__
    return Problem("W722", values={"url": _without_password(url), "detail": detail})


def _without_password(url: str) -> str:
    """The address without who asks; it may be none at all."""
    return re.sub(r"//[^/?#]*@", "//", url).partition("?")[0]
