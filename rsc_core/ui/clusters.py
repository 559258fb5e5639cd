"""The part of the tab "Look inside" for models that cluster windows: CycleGuardian.

It stands in the place of heads and maps, shows the cycle that the tab has chosen, and keeps for a visitor what a cycle
was found to be, so that silencing a cluster is a look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from rsc_core import cluster_figures
from rsc_core.analysis import Analysis, ClusterLook, ModelCard, TypicalWindow
from rsc_core.cluster_figures import CLUSTER_COLOURS
from rsc_core.ui import cluster_markup, markup, texts
from rsc_core.ui.pictures import picture_place, picture_size
from rsc_core.ui.player import player_place, served_alone
from rsc_core.ui.shown import FORGET_S, Updates, spoken

if TYPE_CHECKING:
    from rsc_core.inference import Analyser

PAUSE_S = 0.4  # between two typical windows


def clusters_windows(card: ModelCard) -> bool:
    """Return whether this part, and not that of heads and maps, is for a model."""
    return card.model == "cycle_guardian"


class ClusterPart:
    """Builds the part inside the current column.

    Args:
        analyser: lends its models.

    Attributes:
        outputs: all that ``open`` and ``hear`` may update.
    """

    def __init__(self, analyser: Analyser):
        self.analyser = analyser
        self.look = gr.State(time_to_live=FORGET_S)
        words = texts.clusters
        gr.HTML(markup.titled(words.WINDOWS, words.WINDOWS_NOTE), js_on_load=None)
        self.facts = gr.HTML(js_on_load=None, elem_id="cluster-facts")
        self.picture = picture_place(words.ALT, "clusters-picture")
        gr.HTML(markup.titled(words.SILENCE, words.SILENCE_NOTE), js_on_load=None)
        self.silenced = gr.CheckboxGroup([], label=words.CHOICE, elem_id="silenced")
        self.answers = gr.HTML(js_on_load=None, elem_id="silence-answers")
        gr.HTML(f"<h2>{words.HEAR}</h2>", js_on_load=None)
        self.hear_note = gr.HTML(js_on_load=None, elem_id="typical-note")
        with gr.Row():
            self.players = []
            for i in range(len(CLUSTER_COLOURS)):
                with gr.Column(min_width=260):
                    gr.HTML(f"<h3>{words.TYPICAL.format(number=i + 1)}</h3>", js_on_load=None)
                    self.players.append(player_place(f"typical-{i + 1}", looping=False))
        self.places = gr.HTML(js_on_load=None, elem_id="typical-places")
        self.outputs = [self.look, self.facts, self.picture, self.silenced, self.answers]
        self.outputs += [self.hear_note, *self.players, self.places]
        choice = [self.look, self.silenced]
        self.silenced.input(
            self.silence,
            choice,
            self.answers,
            api_name="silence",
            show_progress="hidden",
            trigger_mode="always_last",
        )

    def open(self, width_px: float, analysis: Analysis, index: int) -> Updates:
        """Show the windows of one cycle."""
        from rsc_core import guardian  # imports torch: not before models are needed

        with spoken():
            shown = guardian.look(self.analyser, analysis, index)
        low, high = (limit([one.frequencies_hz for one in shown.maps]) for limit in (np.min, np.max))
        seconds = float(np.diff(shown.edges_s[0])[0])
        hear = texts.clusters.HEAR_NOTE.format(seconds=seconds, low=low, high=high)
        return {
            self.look: shown,
            self.facts: cluster_markup.facts(shown, analysis.labels[index]),
            self.picture: cluster_figures.clusters(shown, **picture_size(width_px)).pixels(),
            self.silenced: gr.CheckboxGroup(cluster_markup.choices(shown)),
            self.answers: cluster_markup.answers(shown, ()),
            self.hear_note: markup.paragraph(hear, "note"),
        }

    def hear(self, analysis: Analysis) -> Updates:
        """Play what is typical of each cluster in a recording."""
        from rsc_core import guardian  # imports torch: not before models are needed

        with spoken():
            typical = guardian.typical(self.analyser, analysis)
        return {
            **dict(zip(self.players, map(one_after_another, typical), strict=True)),
            self.places: cluster_markup.places(typical),
        }

    def silence(self, shown: ClusterLook | None, silenced: list[int]) -> str:
        """Say what the network answers without some clusters."""
        if shown is None:
            raise gr.Error(texts.page.FORGOTTEN, print_exception=False)
        return cluster_markup.answers(shown, silenced)


def one_after_another(windows: Sequence[TypicalWindow]) -> dict[str, Any] | None:
    """Return what fills a player: the windows with pauses between them."""
    if not windows:
        return None
    rate = windows[0].sample_rate
    pause = np.zeros(round(PAUSE_S * rate), np.float32)
    parts = [part for window in windows for part in (window.waveform, pause)]
    return served_alone(np.concatenate(parts), rate)
