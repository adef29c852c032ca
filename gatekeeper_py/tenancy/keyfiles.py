"""Whether a text is the path of a file in which a controller's own tokens and keys lie, or through which it
steers its node."""

from __future__ import annotations

import posixpath
import re

__all__ = ["is_key_file", "key_file_in"]

SECRET_FILE = re.compile(
    r"(?:/host|/hostfs|/rootfs|/node|/proc/[0-9a-z]+/root)?(?:"
    r"/(?:var/)?run/secrets(?:/|$)|/etc/kubernetes(?:/|$)|/proc(?:/|$)|/sys(?:/|$)"
    r"|/var/lib/(?:kubelet|etcd|rancher|kubernetes|docker|containerd)(?:/|$)"
    r"|/var/log/(?:containers|pods)(?:/|$)"
    r"|/etc/(?:shadow|passwd|rancher|cni)(?:/|$)|/etc/ssl/private(?:/|$)|/vault/secrets(?:/|$)"
    r"|/(?:root|home/[^/]+)/\.(?:aws|azure|config|docker|kube|ssh)(?:/|$)"
    r"|/(?:var/)?run/(?:docker|containerd|crio|cri-dockerd|spire)(?:/|\.sock|$)"
    r"|/dev/(?:k?mem|port|kvm|mapper|disk|dm-|sd[a-z]|vd[a-z]|xvd[a-z]|nvme|loop)|/pipe/(?:docker|containerd))"
)
PATH = re.compile(r"(?:file|unix|local|npipe):(?://)?(/.*)|@?((?:\.{1,2}/)*/?[^\s:]*/\S*)", re.IGNORECASE)
HOME = re.compile(r"@?(?:~|\$HOME|\$\{HOME\}|%h)(?=/)", re.IGNORECASE)
"""How a path begins in the home of whoever reads it."""
DRIVE = re.compile(r"[a-z]:(?=\\)", re.IGNORECASE)
"""How a path of Windows begins; kubelets mount there what they mount elsewhere, below the drive."""
TOLD = re.compile(
    r"(?<![\w.-])/(?:(?:var/)?run/secrets/(?:kubernetes\.io|eks\.amazonaws\.com|azure|tokens)\b|etc/(?:kubernetes/|shadow\b)"
    r"|var/lib/(?:kubelet|etcd)\b|host/(?:etc|proc|root|var)\b|proc/1/)[^\s'\"`;|&)]*"
)
"""Some of these paths among other words, which are surely meant."""
LONGEST_PATH = 4096
"""Characters of a file's path, as Linux has it."""


def is_key_file(text: str) -> bool:
    """Whether a text as a whole is such a path, however it is written."""
    if len(text) > LONGEST_PATH:
        return False
    stripped = text.strip()
    drive = DRIVE.match(stripped)
    if drive is not None:
        stripped = stripped[drive.end() :].replace("\\", "/")
    home = HOME.match(stripped)
    match = PATH.fullmatch(stripped if home is None else f"/root{stripped[home.end() :]}")
    if match is None:
        return False
    path = posixpath.normpath("/" + (match[1] or match[2]).lstrip("./"))
    return SECRET_FILE.match(path) is not None


def key_file_in(text: str) -> str:
    """The first such path in the midst of a text; nothing when there is none, or when the text is one."""
    if " " not in text and "\n" not in text:
        return ""
    match = TOLD.search(text)
    return "" if match is None else match[0]
