# SPDX-License-Identifier: Apache-2.0
import json

import cv2
import numpy as np
import pytest

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.sources.media import Frame, bgr_frame, open_source

BLUE, GREEN = (255, 0, 0), (0, 255, 0)


def picture(width=8, height=6, colour=BLUE) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def sizes(source) -> list[tuple[int, int]]:
    return [(frame.width, frame.height) for frame in source]


def test_one_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    frames = list(open_source(str(tmp_path / "a.png")))
    assert len(frames) == 1
    assert frames[0].encoding == "bgr8"
    np.testing.assert_array_equal(frames[0].rows.reshape(6, 8, 3), picture())
    assert frames[0].calibration is None


def test_folder_in_order_of_names_with_mixed_sizes_and_without_what_is_no_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "b.jpg"), picture(20, 10))
    cv2.imwrite(str(tmp_path / "a.png"), picture(8, 6))
    cv2.imwrite(str(tmp_path / "a_depth_mm.png"), np.full((6, 8), 1500, np.uint16))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "b.jpg").read_bytes()[:-20])
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    source = open_source(str(tmp_path))
    assert sizes(source) == [(8, 6), (20, 10)]
    assert [path.name for path in source.passed_over] == ["a_depth_mm.png", "broken.jpg", "cut.jpg"]
    assert sizes(source) == [(8, 6), (20, 10)], "a source can be played again"
    assert [frame.due_s for frame in source] == pytest.approx([0.0, 0.1])


def test_index_of_a_folder_gives_the_pictures_and_their_calibration(tmp_path):
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture(8, 6))
    index = [{"image": "c.png", "K": [5, 6, 3, 2]}, {"image": "a.png"}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    first, second = open_source(str(tmp_path), width=16)
    assert first.calibration.k == (10.0, 0.0, 6.0, 0.0, 12.0, 4.0, 0.0, 0.0, 1.0)
    assert second.calibration is None


@pytest.mark.parametrize("index", ["{}x", '{"image": "a.png"}', '[{"K": [1, 1, 1, 1]}]',
                                   '[{"image": "a.png", "K": [1]}]'])
def test_bad_index_is_named(tmp_path, index):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(ValueError, match="index.json"):
        open_source(str(tmp_path))


def test_wanted_size():
    assert sizes([bgr_frame(picture(8, 6), 0, 0, None)]) == [(8, 6)]
    assert sizes([bgr_frame(picture(8, 6), 4, 0, None)]) == [(4, 3)]
    assert sizes([bgr_frame(picture(8, 6), 0, 12, None)]) == [(16, 12)]
    calibration = Calibration.pinhole(8, 6, 10.0)
    frame = bgr_frame(picture(8, 6), 16, 3, None, calibration)
    assert frame.calibration == calibration.resized(16, 3)


def write_video(path, count=5, rate_hz=10.0, fourcc="MJPG") -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), rate_hz, (32, 16))
    assert writer.isOpened()
    for _ in range(count):
        writer.write(picture(32, 16, GREEN))
    writer.release()


def test_video_at_its_own_rate(tmp_path):
    write_video(tmp_path / "v.avi")
    frames = list(open_source(str(tmp_path / "v.avi")))
    assert sizes(frames) == [(32, 16)] * 5
    assert [frame.due_s for frame in frames] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def image_message(typestore, stamp, encoding, data, width, height, step, big=False):
    types = typestore.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](stamp, 0), "camera")
    return types["sensor_msgs/msg/Image"](header, height, width, encoding, int(big), step, data)


@pytest.fixture
def bag(tmp_path):
    """Three mono8 images with a padded step, a png, depth images, and a CameraInfo after the first image."""
    writer_module = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")
    from rosbags.typesys import Stores, get_typestore
    typestore = get_typestore(Stores.LATEST)
    types = typestore.types
    path = tmp_path / "recorded"
    with writer_module.Writer(path, version=9) as writer:
        def connect(topic, kind):
            return writer.add_connection(topic, f"sensor_msgs/msg/{kind}", typestore=typestore)

        def write(connection, stamp_s, message):
            raw = typestore.serialize_cdr(message, message.__msgtype__)
            writer.write(connection, int(stamp_s * 1e9), raw)

        depth = connect("/a_depth/image", "Image")
        image = connect("/front/image_raw", "Image")
        info = connect("/front/camera_info", "CameraInfo")
        jpeg = connect("/rear/image_raw/compressed", "CompressedImage")
        padded = np.arange(5 * 4, dtype=np.uint8)
        for number in range(3):
            write(image, 7 + 0.5 * number, image_message(typestore, 7, "mono8", padded, 4, 4, 5))
            write(depth, 7 + 0.5 * number, image_message(typestore, 7, "16UC1", padded, 2, 4, 5))
            if number == 0:
                calibration = Calibration.pinhole(4, 4, 3.0)
                roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
                header = image_message(typestore, 7, "", padded, 0, 0, 0).header
                write(info, 7.1, types["sensor_msgs/msg/CameraInfo"](
                    header, 4, 4, "plumb_bob", np.zeros(5), np.array(calibration.k), np.array(calibration.r),
                    np.array(calibration.p), 0, 0, roi))
        coded = cv2.imencode(".png", picture(8, 6))[1].ravel()
        header = image_message(typestore, 7, "", padded, 0, 0, 0).header
        write(jpeg, 9, types["sensor_msgs/msg/CompressedImage"](header, "png", coded))
        write(jpeg, 9.1, types["sensor_msgs/msg/CompressedImage"](header, "png", coded[:9]))
    return path


def test_bag_keeps_encoding_and_padding_and_knows_the_camera(bag):
    frames = list(open_source(str(bag)))
    assert [(f.encoding, f.width, f.height, f.rows.shape[1]) for f in frames] == [("mono8", 4, 4, 5)] * 3
    assert [frame.due_s for frame in frames] == pytest.approx([0.0, 0.5, 1.0])
    assert [frame.calibration.k[0] for frame in frames] == [3.0, 3.0, 3.0]
    np.testing.assert_array_equal(frames[0].rows[1], [5, 6, 7, 8, 9])


def test_compressed_images_of_a_bag_are_decoded_and_damaged_ones_left_out(bag):
    frames = list(open_source(str(bag), image_topic="/rear/image_raw/compressed"))
    assert [(frame.encoding, frame.width, frame.height) for frame in frames] == [("bgr8", 8, 6)]
    assert frames[0].calibration is None


def test_bag_errors_name_the_topics(bag):
    with pytest.raises(ValueError, match="/front/image_raw, /rear/image_raw/compressed, /a_depth/image"):
        open_source(str(bag), image_topic="/nowhere")
    with pytest.raises(ValueError, match="played as recorded"):
        open_source(str(bag), width=320)


@pytest.mark.parametrize("name", ["text.txt", "broken.png", "broken.mp4", "broken.mcap"])
def test_what_can_not_be_read_is_named(tmp_path, name):
    if name.endswith("mcap"):
        pytest.importorskip("rosbags", reason="rosbags is not installed")
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=name):
        open_source(str(tmp_path / name))


def test_folder_without_a_picture_and_missing_things_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no picture"):
        open_source(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nowhere.mp4"):
        open_source(str(tmp_path / "nowhere.mp4"))
    with pytest.raises(ValueError, match="source is empty: expected a picture"):
        open_source("")
    with pytest.raises(ValueError, match="-1"):
        open_source("0", width=-1)


def test_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'97': no camera there"):
        open_source("97")


def test_height_of_a_frame_is_its_rows():
    assert Frame(np.zeros((7, 12), np.uint8), "bgr8", 4, None).height == 7
