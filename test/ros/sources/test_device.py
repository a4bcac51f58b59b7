# SPDX-License-Identifier: Apache-2.0
import pytest

from modot_ros.ros.sources.media import open_source


def test_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'97': no camera or stream there"):
        open_source("97")
