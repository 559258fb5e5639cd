"""What "Look inside" says in HTML."""

from rsc_core.analysis import ScoreTable
from rsc_core.ui import inside_markup


def test_what_was_scored_is_a_table_a_corpus_and_what_was_not_says_how():
    scored = ScoreTable("ICBHI, test: 2 cycles.", ("order", "deletion"), (("random", "0.5"), ("<Occlusion>", "")))
    shown = inside_markup.score_tables([scored, scored], "checkpoints", "base")
    assert shown.count("<table>") == 2 and shown.count("<td>0.5</td>") == 2
    assert '<th scope="row">&lt;Occlusion&gt;</th><td></td>' in shown
    assert "python -m" not in shown and "Deletion and insertion" in shown and "pointing game" not in shown
    assert "--model runs/a&amp;b" in inside_markup.score_tables([], "runs", "a&b")
