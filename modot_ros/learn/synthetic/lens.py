# SPDX-License-Identifier: Apache-2.0
"""From linear radiance to the picture that a small camera delivers. Only the picture changes, never the truth."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Lens:
    """One camera's optics, sensor and processing; lengths in pixels at a picture 256 wide.

    exposure: brightness that the `metered` quantile of the picture gets; white [3] gains; vignetting: loss in the
    corners; blur_px: everywhere; defocus_px: more for what is out of focus, by |focus_m / z - 1|; motion_px [2]: of
    the camera during exposure; rows_lag: share of exposure that changes from the first row to the last (flicker of
    lamps under a rolling shutter); glare: light that spills round bright places; shot, read: noise (standard
    deviation of a full well, and in the dark); shoulder: compression of highlights; contrast, saturation, sharpening:
    the camera's own processing; jpeg: quality, 0 = none.
    """

    exposure: float
    metered: float
    white: np.ndarray
    vignetting: float
    blur_px: float
    defocus_px: float
    focus_m: float
    motion_px: np.ndarray
    rows_lag: float
    glare: float
    shot: float
    read: float
    shoulder: float
    contrast: float
    saturation: float
    sharpening: float
    jpeg: int

    @staticmethod
    def random(rng: np.random.Generator, depth_m: np.ndarray) -> Lens:
        """Mostly decent cameras, focused about where they look; each fault in a share of them."""
        def some(share: float, value: float) -> float:
            return value if rng.random() < share else 0.0

        tint = rng.normal(0, 0.05) + some(0.15, rng.normal(0, 0.15))     # warm to cold
        angle = rng.uniform(0, np.pi)
        middle = depth_m[tuple(slice(n // 3, n - n // 3) for n in depth_m.shape)]
        return Lens(exposure=rng.uniform(0.5, 0.95) + some(0.12, rng.uniform(0.1, 0.8)),
                    metered=rng.uniform(0.85, 0.985),
                    white=np.array([1 + tint, 1 + rng.normal(0, 0.025), 1 - tint]).clip(0.6, 1.5),
                    vignetting=rng.uniform(0, 0.35), blur_px=rng.uniform(0.15, 0.6),
                    defocus_px=some(0.35, rng.uniform(0.3, 2.0)), focus_m=float(np.median(middle)),
                    motion_px=some(0.2, rng.uniform(0.5, 4.0)) * np.array([np.cos(angle), np.sin(angle)]),
                    rows_lag=some(0.1, rng.normal(0, 0.15)), glare=some(0.4, rng.uniform(0.0, 0.2)),
                    shot=rng.uniform(0, 0.03), read=rng.uniform(0, 0.0015) + some(0.15, rng.uniform(0, 0.006)),
                    shoulder=rng.uniform(0.0, 0.5), contrast=rng.normal(1.08, 0.12), saturation=rng.normal(1.05, 0.2),
                    sharpening=some(0.5, rng.uniform(0.1, 0.8)), jpeg=int(some(0.7, rng.uniform(45, 96))))

    def photograph(self, radiance: np.ndarray, depth_m: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Picture uint8 [H, W, 3] of linear radiance float32 [H, W, 3] at depth_m float32 [H, W]; rng makes noise."""
        height, width = depth_m.shape
        unit_px = width / 256
        bright = np.quantile(radiance[::2, ::2].max(2), self.metered)
        image = radiance * (self.white * (self.exposure / max(float(bright), 1e-6))).astype(np.float32)
        image = np.minimum(image, 8.0)                  # charge that the sensor can't hold
        if self.defocus_px:
            image = _defocused(image, self.defocus_px * unit_px * np.abs(self.focus_m / depth_m - 1))
        if self.motion_px.any():
            image = cv2.filter2D(image, -1, _streak(self.motion_px * unit_px), borderType=cv2.BORDER_REPLICATE)
        image = cv2.GaussianBlur(image, (0, 0), self.blur_px * unit_px)
        if self.glare:
            small = cv2.resize(image, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(np.maximum(small - 0.6, 0), (0, 0), 2 * unit_px)
            image = image + self.glare * cv2.resize(small, (width, height))
        v, u = np.mgrid[:height, :width].astype(np.float32)
        away = ((u - width / 2) ** 2 + (v - height / 2) ** 2) / (width ** 2 + height ** 2) * 4
        image *= ((1 - self.vignetting * away) * (1 + self.rows_lag * np.sin(v / height * 5)))[:, :, None]
        noise = np.sqrt(np.maximum(image, 0) * self.shot ** 2 + self.read ** 2)
        image = np.clip(image + noise * rng.standard_normal(image.shape, dtype=np.float32), 0, None)
        image = image * (1 + self.shoulder) / (1 + image * self.shoulder)
        image = np.where(image < 0.0031308, 12.92 * image, 1.055 * np.maximum(image, 0.0031308) ** (1 / 2.4) - 0.055)
        image = np.clip(image, 0, 1.1)
        grey = image.mean(2, keepdims=True)
        image = 0.45 + self.contrast * (grey + self.saturation * (image - grey) - 0.45)
        if self.sharpening:
            image = image + self.sharpening * (image - cv2.GaussianBlur(image, (0, 0), 0.8 * unit_px))
        picture = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
        if self.jpeg:
            code = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])[1]
            picture = np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1])
        return picture


def _defocused(image: np.ndarray, radius_px: np.ndarray) -> np.ndarray:
    """Each pixel from the nearest of a few blurred pictures; radius_px [H, W] is its standard deviation of blur."""
    radius_px = cv2.GaussianBlur(np.minimum(radius_px, 4).astype(np.float32), (0, 0), 1.0)
    stack = [image] + [cv2.GaussianBlur(image, (0, 0), step) for step in (0.8, 1.6, 3.2)]
    level = np.interp(radius_px, [0.2, 0.8, 1.6, 3.2], np.arange(4.0)).astype(np.float32)
    return sum(np.maximum(0, 1 - np.abs(level - k))[:, :, None] * blurred for k, blurred in enumerate(stack))


def _streak(motion_px: np.ndarray) -> np.ndarray:
    """Kernel [K, K] of a straight motion by motion_px (u, v) during exposure."""
    half = int(np.ceil(np.abs(motion_px).max() / 2)) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 33):            # bilinear splats along the path
        u, v = half + share * motion_px
        row, column = int(v), int(u)
        for dv, wv in ((0, 1 - v + row), (1, v - row)):
            for du, wu in ((0, 1 - u + column), (1, u - column)):
                kernel[row + dv, column + du] += wv * wu
    return kernel / kernel.sum()
