# SPDX-License-Identifier: Apache-2.0
"""Messages from arrays and back: encodings, coded pictures and video, graphs, markers."""
