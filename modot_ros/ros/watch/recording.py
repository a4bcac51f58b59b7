# SPDX-License-Identifier: Apache-2.0
"""A recording that `ros2 bag`, Foxglove and `rosbags` open: an MCAP file with the definitions of its messages inside.

Written by `rosbags`, in the folder that rosbag2 expects: NAME/NAME.mcap and NAME/metadata.yaml.
"""
from __future__ import annotations

import shutil
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

BAG_VERSION = 9                                         # of rosbag2's metadata
LEAST_FREE_BYTES = 100 * 2 ** 20                        # on the disk: below, the recording is closed while there is room to


class Full(OSError):
    """There is no more room; what was written before is whole."""


class Recording:
    """Serialized messages of several topics in one file, in the order in which they come.

    Raises ValueError when `rosbags` is not installed, and FileExistsError for a folder that exists already.
    """

    def __init__(self, folder: Path) -> None:
        try:                                            # here, not above: whoever records nothing needs no rosbags
            from rosbags.rosbag2 import StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ModuleNotFoundError as error:
            raise ValueError(f"recording needs `pip install rosbags` ({error})") from error
        check_new(folder)
        self.folder, self.messages = folder, 0
        self._types = get_typestore(Stores.LATEST)
        self._writer = Writer(folder, version=BAG_VERSION, storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._connections: dict[str, object] = {}

    def write(self, topic: str, kind: str, stamp_ns: int, data: bytes) -> None:
        """One message.

        topic     full name
        kind      its type, as "modot_ros/msg/OrderGraph"
        stamp_ns  when it came
        data      its CDR, as rclpy serializes it
        Raises Full when the disk has less than LEAST_FREE_BYTES left, OSError for what else goes wrong there, and ValueError
        for a type whose definition is not installed.
        """
        if topic not in self._connections:
            register(self._types, kind)
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self._types)
        if (free := shutil.disk_usage(self.folder).free) < LEAST_FREE_BYTES + len(data):
            raise Full(f"{free / 2 ** 20:.0f} MB are left on the disk of {self.folder}")
        self._writer.write(self._connections[topic], stamp_ns, data)
        self.messages += 1

    def close(self) -> None:
        """Writes index and metadata. Raises OSError."""
        self._writer.close()


def check_new(folder: Path) -> None:
    """Raises FileExistsError for a folder that exists already."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: recordings are not overwritten, choose another name")


def register(types, kind: str) -> None:
    """Adds a message type, and those that it holds, to a typestore of `rosbags` that has them not.

    Raises ValueError for a type whose package is not installed.
    """
    from rosbags.interfaces import Nodetype
    from rosbags.typesys import get_types_from_msg

    if kind in types.types:
        return
    package, _, name = kind.split("/")
    try:
        text = (Path(get_package_share_directory(package)) / "msg" / f"{name}.msg").read_text()
    except (PackageNotFoundError, OSError) as error:
        raise ValueError(f"definition of {kind} is not installed ({error})") from error
    found = get_types_from_msg(text, kind)
    for _, (node, held) in found[kind][1]:
        if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            node, held = held[0]
        if node == Nodetype.NAME:
            register(types, held)
    types.register(found)
