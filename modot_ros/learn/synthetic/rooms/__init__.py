# SPDX-License-Identifier: Apache-2.0
"""What a rendered room consists of: shell, furniture, people, clutter, and their materials."""
