"""Columns that are seen or not, and are part of the page in either case.

Gradio takes a column with ``visible=False`` out of the page. What arrives for its parts while they are put back is
overwritten by what was kept for them before (seen in 6.31): pictures stay away. A class hides them as well.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def column(seen: bool, **options: Any) -> gr.Column:
    """A column, or what makes one seen or not; ``options`` are gr.Column's."""
    return gr.Column(elem_classes=[] if seen else ["unseen"], **options)
