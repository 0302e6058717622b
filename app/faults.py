"""What the browser is told of a fault: one line, without the folders of this machine."""

from __future__ import annotations

import errno
import re
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
# An absolute path up to its last part; names may have blanks in them. No part of an address.
_PART = r"[^/\s:;,'\"()]+"
_FOLDERS = re.compile(rf"(?<![\w/:.~-])/(?:{_PART}(?: {_PART})*/)+(?={_PART})")
_FILE = re.compile(r"^\S*/(?=[^/\s]+(, line \d+)?: )")


def short(error: Exception | str) -> str:
    """An error's line without the folders of this machine before the files it names."""
    return _FOLDERS.sub("", _FILE.sub("", str(error)))


def of_disk(error: OSError) -> str:
    """Where, what and what to do of something that the system would not do."""
    path = Path(str(error.filename or "the catalog"))
    where = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    if error.errno in FULL:
        do = "make room on its disk"
    elif error.errno in _FORBIDDEN:
        do = "let the server write there"
    else:
        do = "look at its disk"
    return f"{where}: {error.strerror or type(error).__name__}; {do}"
