# SPDX-License-Identifier: Apache-2.0
"""Commands that measure quality and speed."""
