"""HTML of what a CycleGuardian's clusters are and what silence changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rsc_core.analysis import ClusterLook, TypicalWindow
from rsc_core.ui import texts
from rsc_core.ui.markup import paragraph


def names(clusters: Collection[int]) -> str:
    """Return clusters by their numbers, counted from 1."""
    return texts.page.AND.join(texts.clusters.NAME.format(number=cluster + 1) for cluster in sorted(clusters))


def choices(shown: ClusterLook) -> list[tuple[str, int]]:
    """Return what can be silenced: words and number from 0."""
    found = []
    for cluster, count in enumerate(shown.sizes.tolist()):
        form = texts.clusters.SIZE if count == 1 else texts.clusters.SIZES
        found.append((form.format(name=names([cluster]), count=count), cluster))
    return found


def facts(shown: ClusterLook, label: str) -> str:
    """Return how the cycle fills what the network reads."""
    seconds, said = shown.maps[0].end_s, ""
    if shown.count > 1:
        said = texts.clusters.PART.format(seconds=seconds, number=shown.number, count=shown.count, label=label)
    elif len(shown.repeats_s):
        said = texts.clusters.REPEATED.format(seconds=seconds)
    elif shown.ending:
        said = texts.clusters.ENDING.format(seconds=seconds)
    return paragraph(said, "note") if said else ""


def answers(shown: ClusterLook, silenced: Collection[int]) -> str:
    """Return what is answered without each cluster and, last, without those that are chosen, as words and a table."""
    words = texts.clusters
    rows = [_row(shown, (), silenced)]
    rows += [
        _row(shown, (i,), silenced, str(size), f"{shown.fusion[i]:+.2f}")
        for i, size in enumerate(shown.sizes.tolist())
    ]
    rows += [_row(shown, silenced, silenced)] if len(silenced) > 1 else []
    columns = ["", words.COUNT, words.FUSION, *(words.PROBABILITY.format(name=name) for name in shown.classes)]
    head = "".join(f'<th scope="col">{text}</th>' for text in columns)
    table = (
        f'<div class="cycles silence" tabindex="0" role="region" aria-label="{words.SILENCE}"><table><thead><tr>{head}'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
    return f'<p class="agreement" role="status">{changed(shown, silenced)}</p>{table}'


def changed(shown: ClusterLook, silenced: Collection[int]) -> str:
    """Return what silence does to the label, in one sentence."""
    before, after = shown.answer(), shown.answer(silenced)
    own, new = int(before.argmax()), int(after.argmax())
    words = {"label": shown.classes[own], "before": before[own]}
    if not silenced:
        return texts.clusters.UNTOUCHED.format(**words)
    words |= {"names": names(silenced), "after": after[own]}
    words |= {"other": shown.classes[new], "other_before": before[new], "other_after": after[new]}
    return (texts.clusters.STAYS if own == new else texts.clusters.CHANGES).format(**words)


def places(typical: Sequence[Sequence[TypicalWindow]]) -> str:
    """Return where each cluster's typical windows stand in the recording, in the order in which they are played."""
    lines = []
    for index, windows in enumerate(typical):
        spots = ", ".join(texts.clusters.PLACE.format(cycle=w.cycle + 1, start=w.start_s) for w in windows)
        form = texts.clusters.PLACES if windows else texts.clusters.EMPTY
        lines.append(f"<li>{form.format(number=index + 1, places=spots)}</li>")
    return f'<ul class="note places">{"".join(lines)}</ul>'


def _row(
    shown: ClusterLook, without: Collection[int], silenced: Collection[int], size: str = "", fusion: str = ""
) -> str:
    """The answer without some clusters; a single one comes with its size and weight, and in its colour."""
    words = texts.clusters.WITHOUT.format(names=names(without)) if without else texts.clusters.NOTHING
    chip = f' class="chip cluster-{min(without) + 1}"' if size else ""
    current = ' aria-current="true"' if set(without) == set(silenced) else ""
    bars = (f'<span class="bar" style="--share:{p:.3f}">{p:.2f}</span>' for p in shown.answer(without))
    cells = "".join(f"<td>{cell}</td>" for cell in (size, fusion, *bars))
    return f'<tr{current}><th scope="row"><span{chip}>{words}</span></th>{cells}</tr>'
