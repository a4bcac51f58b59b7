# SPDX-License-Identifier: Apache-2.0
"""`modot_lite`: MoDOT's coupling on an encoder that has seen photographs."""
