# SPDX-License-Identifier: Apache-2.0
"""`modot_nano`: joint depth and boundaries for a robot without a big GPU."""
