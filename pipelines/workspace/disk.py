"""Does a workspace lie where its promises can be kept: on a disk of this machine, with room for what is to come?"""

import os
import shutil
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.workspace.paths import Workspace

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "glusterfs", "fuse.glusterfs", "fuse.ceph", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone"}
)  # fmt: skip
"""File systems on which a lock or a rename of one machine may not be seen by another one."""
MOUNTS = Path("/proc/self/mountinfo")
SPARE = 64 * 1024**2
"""Bytes beyond two score files: pieces, lists, report and records of a night."""


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of file system on which a path lies, as the system calls it; "" where it does not tell."""
    device = path.stat().st_dev
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return ""
    fields = [line.split() for line in lines]
    kinds = [f[f.index("-") + 1] for f in fields if f[2] == f"{os.major(device)}:{os.minor(device)}" and "-" in f]
    return kinds[-1] if kinds else ""


def check_place(workspace: Workspace, mounts: Path = MOUNTS) -> None:
    """Raises E720 (exit 7) for a workspace on a network file system."""
    kind = file_system(workspace.root, mounts)
    if kind in NETWORK:
        raise HeadwaterError("E720", file=workspace.root, kind=kind)


def check_space(workspace: Workspace) -> None:
    """Is there room for a night as large as the newest? Raises E703 (exit 7) where there is not, before hours of work."""
    newest = workspace.newest_date()
    size = workspace.score_file(newest).stat().st_size if newest else 0
    free, needed = shutil.disk_usage(workspace.root).free, 2 * size + SPARE
    if free < needed:
        raise HeadwaterError(
            "E703", file=workspace.root, detail=f"{free / 1024**2:,.0f} MB, {needed / 1024**2:,.0f} MB"
        )
