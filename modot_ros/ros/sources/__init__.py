# SPDX-License-Identifier: Apache-2.0
"""Where pictures come from: files, videos, bags, cameras and rendered rooms; and the nodes that publish them."""
