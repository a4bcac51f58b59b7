# SPDX-License-Identifier: Apache-2.0
import re

import cv2
import numpy as np
import pytest

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.camera import Camera
from modot_ros.ros.sources.media import open_source


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
        coded = cv2.imencode(".png", np.full((6, 8, 3), (255, 0, 0), np.uint8))[1].ravel()
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


def recorded(folder, storage, topic, kind, message, info=None):
    """A bag of one message, with the CameraInfo that its camera sends before it: "mcap", "sqlite3" or "ros1"."""
    from rosbags.rosbag1 import Writer as Writer1
    from rosbags.rosbag2 import StoragePlugin, Writer
    store = typestore_of(storage)
    path = folder / ("recorded.bag" if storage == "ros1" else "recorded")
    writer = Writer1(path) if storage == "ros1" else Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    serialize = store.serialize_ros1 if storage == "ros1" else store.serialize_cdr
    with writer:
        for name, msgtype, value in ((f"{topic.rsplit('/', 2 if kind == 'CompressedImage' else 1)[0]}/camera_info",
                                      "CameraInfo", info), (topic, kind, message)):
            if value is not None:
                connection = writer.add_connection(name, f"sensor_msgs/msg/{msgtype}", typestore=store)
                writer.write(connection, 10 ** 9, serialize(value, value.__msgtype__))
    return path if storage == "ros1" else next(path.glob("*.mcap" if storage == "mcap" else "*.db3"))


def typestore_of(storage):
    from rosbags.typesys import Stores, get_typestore
    return get_typestore(Stores.ROS1_NOETIC if storage == "ros1" else Stores.LATEST)


def header_of(store):
    types = store.types
    number = {"seq": 0} if "seq" in types["std_msgs/msg/Header"].__dataclass_fields__ else {}
    return types["std_msgs/msg/Header"](stamp=types["builtin_interfaces/msg/Time"](1, 0), frame_id="camera", **number)


def info_of(store, width=8, height=6, roi=(0, 0, 0, 0), binning=(0, 0)):
    types = store.types
    calibration = Calibration.pinhole(width, height, 5.0)
    letters = {"d": np.zeros(5), "k": np.array(calibration.k), "r": np.array(calibration.r), "p": np.array(calibration.p)}
    if "K" in types["sensor_msgs/msg/CameraInfo"].__dataclass_fields__:
        letters = {name.upper(): value for name, value in letters.items()}
    region = types["sensor_msgs/msg/RegionOfInterest"](x_offset=roi[0], y_offset=roi[1], width=roi[2], height=roi[3],
                                                       do_rectify=False)
    return types["sensor_msgs/msg/CameraInfo"](header=header_of(store), width=width, height=height, roi=region,
                                               distortion_model="plumb_bob", binning_x=binning[0], binning_y=binning[1],
                                               **letters)


def raw(store, pixels, encoding):
    rows = np.ascontiguousarray(pixels).reshape(len(pixels), -1).view(np.uint8)
    return store.types["sensor_msgs/msg/Image"](header_of(store), len(pixels), pixels.shape[1], encoding, 0, rows.shape[1],
                                                rows.ravel())


def compressed(store, format_text, coded):
    return store.types["sensor_msgs/msg/CompressedImage"](header_of(store), format_text, coded.ravel())


@pytest.mark.parametrize("storage, packed", [("mcap", False), ("mcap", True), ("sqlite3", False), ("sqlite3", True),
                                             ("ros1", False)])
def test_files_of_every_kind_are_read(tmp_path, storage, packed):
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    store, pixels = typestore_of(storage), np.arange(48, dtype=np.uint8).reshape(6, 8)
    path = recorded(tmp_path, storage, "/cam/image_raw", "Image", raw(store, pixels, "mono8"), info_of(store))
    if packed:
        zstd = pytest.importorskip("backports.zstd", reason="Python 3.14 has its own")
        path.with_name(f"{path.name}.zstd").write_bytes(zstd.compress(path.read_bytes()))
        path = path.with_name(f"{path.name}.zstd")
    source = open_source(str(path))
    for _ in range(2):
        frame, = source
        np.testing.assert_array_equal(frame.rows, pixels)
        assert (frame.encoding, frame.calibration.k[0]) == ("mono8", 5.0)


def test_a_recording_that_was_compressed_as_files_is_read_from_its_folder(tmp_path):
    """As `ros2 bag record --compression-mode file --compression-format zstd` leaves it."""
    zstd = pytest.importorskip("backports.zstd", reason="Python 3.14 has its own")
    store = typestore_of("mcap")
    path = recorded(tmp_path, "mcap", "/cam/image_raw", "Image", raw(store, np.zeros((6, 8), np.uint8), "mono8"))
    path.with_name(f"{path.name}.zstd").write_bytes(zstd.compress(path.read_bytes()))
    path.unlink()
    described = path.parent / "metadata.yaml"
    text = described.read_text().replace(path.name, f"{path.name}.zstd")
    for name, value in (("format", "zstd"), ("mode", "FILE")):
        text = re.sub(f"compression_{name}: .*", f"compression_{name}: {value}", text)
    described.write_text(text)
    assert len(list(open_source(str(path.parent)))) == 1


@pytest.mark.parametrize("kind", ("Image", "CompressedImage"))
def test_region_and_binning_are_kept(tmp_path, kind):
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    store, pixels = typestore_of("mcap"), np.zeros((6, 8, 3), np.uint8)
    info = info_of(store, 64, 48, (8, 4, 16, 12), (2, 2))
    message = raw(store, pixels, "bgr8") if kind == "Image" else compressed(store, "png", cv2.imencode(".png", pixels)[1])
    topic = "/cam/image_raw" if kind == "Image" else "/cam/image_raw/compressed"
    frame, = open_source(str(recorded(tmp_path, "mcap", topic, kind, message, info)))
    assert (frame.width, frame.height) == (8, 6)
    calibration = frame.calibration
    assert (calibration.width, calibration.height, calibration.roi, calibration.binning) == (64, 48, (8, 4, 16, 12), (2, 2))
    assert calibration.k[0] == 5.0 and Camera.of(calibration, 8, 6).focal_px == 2.5


@pytest.mark.parametrize("values, format_text, encoding", [
    (np.zeros((6, 8), np.uint16), "mono16; png compressed ", "mono16"), (np.zeros((6, 8, 3), np.uint16), "png", "bgr16"),
    (np.zeros((6, 8, 3), np.uint8), "rgb8; png compressed rgb8", "rgb8"),
    (np.zeros((6, 8), np.uint8), "bayer_rggb8; png compressed ", "bayer_rggb8")])
def test_compressed_images_get_the_encoding_of_their_format(tmp_path, values, format_text, encoding):
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    store = typestore_of("mcap")
    message = compressed(store, format_text, cv2.imencode(".png", values)[1])
    frame, = open_source(str(recorded(tmp_path, "mcap", "/cam/image_raw/compressed", "CompressedImage", message)))
    assert (frame.encoding, frame.width, frame.rows.nbytes) == (encoding, 8, values.nbytes)


def test_why_no_compressed_image_can_be_read_is_said(tmp_path):
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    store = typestore_of("mcap")
    coded = cv2.imencode(".png", np.zeros((6, 8), np.uint8))[1].ravel()
    coded[18:20], coded[22:24] = (0x75, 0x30), (0x75, 0x30)
    path = recorded(tmp_path, "mcap", "/cam/image_raw/compressed", "CompressedImage", compressed(store, "png", coded))
    with pytest.raises(ValueError, match="can be read: a compressed image is 30000x30000 = 900 MP, more than the 100 MP"):
        open_source(str(path))


VIDEO_TYPES = {
    "foxglove_msgs/msg/CompressedVideo": ("format", "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\n"
                                          "string format\n"),
    "ffmpeg_image_transport_msgs/msg/FFMPEGPacket": (
        "encoding", "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
        "bool is_bigendian\nuint8[] data\n"),
    "sensor_msgs/msg/CompressedImage": ("format", ""),
}


@pytest.mark.parametrize("msgtype", VIDEO_TYPES)
def test_packets_of_video_are_decoded(tmp_path, msgtype):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import get_types_from_msg
    store, (field, definition) = typestore_of("mcap"), VIDEO_TYPES[msgtype]
    if definition:
        store.register(get_types_from_msg(definition, msgtype))
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 64, 48, "yuv420p", 10
    encoder.options = {"tune": "zerolatency"}
    shown = [np.full((48, 64, 3), 40 * number, np.uint8) for number in range(1, 6)]
    coded = [bytes(packet) for picture in shown
             for packet in encoder.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))]
    stamp = store.types["builtin_interfaces/msg/Time"](1, 0)
    values = {"header": header_of(store), "timestamp": stamp, "frame_id": "camera", "width": 64, "height": 48, "pts": 0,
              "flags": 0, "is_bigendian": False, field: "h264"}
    kind = store.types[msgtype]
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/cam/image_raw/ffmpeg", msgtype, typestore=store)
        for number, packet in enumerate(coded):
            fields = {name: value for name, value in values.items() if name in kind.__dataclass_fields__}
            message = kind(**fields, data=np.frombuffer(packet, np.uint8))
            writer.write(connection, 10 ** 9 + number * 10 ** 8, store.serialize_cdr(message, msgtype))
    source = open_source(str(tmp_path / "bag"))
    frames = list(source)
    assert source.info_topic == "/cam/camera_info"
    assert [round(frame.due_s, 3) for frame in frames] == [0.0, 0.1, 0.2, 0.3, 0.4]
    for frame, picture in zip(frames, shown):
        assert frame.encoding == "rgb8" and np.abs(frame.rows.reshape(48, 64, 3).astype(int) - picture).max() <= 4
