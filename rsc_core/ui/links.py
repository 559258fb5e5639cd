"""Addresses that lead to something: ``?tab=inside&example=Fine crackles (synthesised)&model=icbhi-lora``.

The page keeps its address up to date, so that a teacher can copy it. An example is analysed first and its tab opened
then, since the other tabs show what the first one has analysed.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.events import Dependency

from rsc_core.ui.analyse import AnalyseTab

NOTED = "(value) => pageAddress('{}', value)"


class Links:
    """Wires the address to the tabs, and to the example and model of the first one."""

    def __init__(self, loaded: Dependency, tabs: gr.Tabs, every: tuple[gr.Tab, ...], first: AnalyseTab):
        self.names = [tab.id for tab in every]
        self.first = first
        self.wanted = gr.Textbox(visible=False, label="tab to open")  # after an example's analysis
        for tab in every:
            name = "" if tab is every[0] else tab.id
            tab.select(None, None, None, js=f"() => pageAddress('tab', '{name}')", api_visibility="private")
        first.example.change(None, first.example, None, js=NOTED.format("example"), api_visibility="private")
        first.model.change(None, first.model, None, js=NOTED.format("model"), api_visibility="private")
        opened = {"api_visibility": "private", "show_progress": "hidden"}
        followed = loaded.then(self.follow, None, [tabs, first.example, self.wanted], **opened)
        followed.then(None, None, None, js="() => pageFollowed()", api_visibility="private")
        first.example_analysed.success(self.go_on, self.wanted, [tabs, self.wanted], **opened)
        first.example_analysed.failure(lambda: "", None, self.wanted, **opened)

    def follow(self, request: gr.Request) -> tuple[Any, Any, str]:
        """Open what the address names; what there is not is passed over."""
        asked = request.query_params
        tab, example = asked.get("tab"), asked.get("example")
        tab = tab if tab in self.names else self.names[0]
        if example in self.first.examples.names:
            return gr.Tabs(), example, tab
        return gr.Tabs(selected=tab), gr.Dropdown(), ""

    def go_on(self, tab: str) -> tuple[Any, str]:
        """Open the tab that waited for an example."""
        return gr.Tabs(selected=tab) if tab else gr.Tabs(), ""
