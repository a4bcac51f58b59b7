# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.scene.instances import validate_labels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_good_labels_come_back_as_int32(dtype):
    labels = np.array([[0, 1], [200, 0]], dtype)
    checked = validate_labels(labels, (2, 2))
    assert checked.dtype == np.int32
    np.testing.assert_array_equal(checked, labels)


@pytest.mark.parametrize("labels, text", [
    (np.zeros((3, 2), np.int32), r"\(3, 2\).*\(2, 2\)"),
    (np.zeros((2, 2), np.float32), "float32"),
    (np.zeros((2, 2), bool), "bool"),
    (np.array([[0, -3], [0, 0]]), "-3.*65535"),
    (np.array([[0, 70000], [0, 0]]), "70000.*65535"),
])
def test_bad_labels_are_named(labels, text):
    with pytest.raises(ValueError, match=text):
        validate_labels(labels, (2, 2))


def test_ten_thousand_labels_are_too_many():
    labels = np.arange(10_000).reshape(100, 100)
    with pytest.raises(ValueError, match="9999 instances.*64"):
        validate_labels(labels, (100, 100), max_instances=64)
    assert validate_labels(labels * (labels == 9000), (100, 100), max_instances=64).max() == 9000
