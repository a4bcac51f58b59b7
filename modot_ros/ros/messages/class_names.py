# SPDX-License-Identifier: Apache-2.0
"""The names of the classes in `~/semantics/image`, as a message that is published once and latched."""
from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from modot_ros.classes import CLASS_NAMES


def class_names_message() -> Any:
    """vision_msgs/LabelInfo; where that package is not installed diagnostic_msgs/DiagnosticStatus, ids as keys."""
    try:
        from vision_msgs.msg import LabelInfo, VisionClass
    except ImportError:
        return DiagnosticStatus(name="semantic classes", values=[KeyValue(key=str(number), value=name)
                                                                 for number, name in enumerate(CLASS_NAMES)])
    return LabelInfo(class_map=[VisionClass(class_id=number, class_name=name) for number, name in enumerate(CLASS_NAMES)])
