"""Memory that this process can still take, and refusals of work that needs more."""

import os
from pathlib import Path

import psutil

from targets.errors import UserError

# (limit, use, statistics) of a container, in both versions of Linux's control groups
GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def available_memory() -> int | None:
    """Bytes that this process can still take without swapping, as far as the system says it; None where it does not.

    The least of what is left by the machine, the limit of a container, and ``ulimit -v`` and ``-d``.
    """
    found = [value for value in (_of_machine(), *map(_of_group, GROUPS), _of_process()) if value is not None]
    return min(found, default=None)


def require_memory(size: float, where: object, hint: str = "") -> None:
    """Refuse work that needs more memory than there is.

    Parameters
    ----------
    size : float
        Bytes that the work takes.
    where : object
        The file or option that asks for it.
    hint : str, default ''
        What to do instead.

    Raises
    ------
    UserError
        Less is available.

    Examples
    --------
    >>> require_memory(1e6, "--realisations")
    >>> require_memory(1e18, "--realisations")
    Traceback (most recent call last):
        ...
    targets.errors.UserError: --realisations: takes about 9.31e+08 GiB of memory; expected at most the ... GiB...
    """
    available = available_memory()
    if available is not None and size > available:
        raise UserError(where, f"takes about {size / 2**30:,.3g} GiB of memory",
                        f"at most the {available / 2**30:,.3g} GiB that are free", hint)  # fmt: skip


def _of_machine() -> int | None:
    """Free memory of the machine, on Linux, macOS and Windows."""
    try:
        return int(psutil.virtual_memory().available)
    except (OSError, RuntimeError):  # a sandbox that hides it
        return None


def _of_group(files: tuple[str, str, str]) -> int | None:
    """What the limit of a container leaves; its cache of files can be dropped."""
    try:
        limit, used = (int(Path(file).read_text("ascii")) for file in files[:2])
        stat = dict(line.split() for line in Path(files[2]).read_text("ascii").splitlines())
    except (OSError, ValueError):  # no such group, or no limit ("max")
        return None
    return max(0, limit - used + int(stat.get("inactive_file", 0)))


def _of_process() -> int | None:
    """What limits of the address space and of its part for data leave."""
    try:
        import resource

        limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
        pages = Path("/proc/self/statm").read_text("ascii").split()
    except (ImportError, OSError, ValueError):
        return None
    used = [int(pages[place]) * os.sysconf("SC_PAGE_SIZE") for place in (0, 5)]
    left = [limit - size for limit, size in zip(limits, used, strict=True) if limit != resource.RLIM_INFINITY]
    return max(0, min(left)) if left else None
