"""Client of guide-board.

`Client` is synchronous, `guideboard.aio.Client` its asyncio twin. `guideboard.errors` has the exceptions, `guideboard.v1` the messages and
the generated stubs.
"""

from guideboard import errors
from guideboard._download import Download
from guideboard._pull import PullProblem, PullReport
from guideboard.client import Client, Follow, Pages

__all__ = ["Client", "Download", "Follow", "Pages", "PullProblem", "PullReport", "errors"]
