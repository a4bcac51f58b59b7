# SPDX-License-Identifier: Apache-2.0
"""How the published networks were trained, each as one straight loop: `published` for MoDOT and its second stage."""
