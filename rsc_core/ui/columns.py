"""Columns that are shown or put away, and stay mounted in either case.

Gradio unmounts a column with ``visible=False``. What comes for its components while they are mounted again is
overwritten by what was kept for them before (seen in 6.31): their pictures never appear. A CSS class hides a column
as well; Gradio's own ``visible="hidden"`` does not hide one.
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def column(seen: bool, **options: Any) -> gr.Column:
    """Return a column or, in a callback, what shows it or puts it away; ``options`` are gr.Column's."""
    return gr.Column(elem_classes=[] if seen else ["put-away"], **options)
