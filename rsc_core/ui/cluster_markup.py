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
    return [
        (texts.clusters.SIZES[count == 1].format(name=names([cluster]), count=count), cluster)
        for cluster, count in enumerate(shown.sizes.tolist())
    ]


def facts(shown: ClusterLook, label: str) -> str:
    """Return how the cycle fills what the network reads."""
    seconds, said = shown.maps[0].end_s, ""
    if shown.count > 1:
        said = texts.clusters.PART.format(seconds=seconds, number=shown.number, count=shown.count, label=label)
    elif len(shown.repeats_s):
        said = texts.clusters.REPEATED.format(seconds=seconds)
    return paragraph(said, "note") if said else ""


def answers(shown: ClusterLook, silenced: Collection[int]) -> str:
    """Return what is answered without each cluster and, last, without those that are chosen, as words and a table."""
    rows = [((), None, None)]
    rows += [((i,), size, shown.fusion[i]) for i, size in enumerate(shown.sizes.tolist())]
    rows += [(tuple(sorted(silenced)), None, None)] if len(silenced) > 1 else []
    lines = []
    for without, size, fusion in rows:
        words = texts.clusters.WITHOUT.format(names=names(without)) if without else texts.clusters.NOTHING
        current = ' aria-current="true"' if set(without) == set(silenced) else ""
        cells = ["" if size is None else str(size), "" if fusion is None else f"{fusion:+.2f}"]
        cells += [f'<span class="bar" style="--share:{p:.3f}">{p:.2f}</span>' for p in shown.answer(without)]
        chip = f' class="chip cluster-{without[0] + 1}"' if size is not None else ""
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr{current}><th scope="row"><span{chip}>{words}</span></th>{row}</tr>')
    columns = [
        "",
        texts.clusters.COUNT,
        texts.clusters.FUSION,
        *(texts.clusters.PROBABILITY.format(name=name) for name in shown.classes),
    ]
    head = "".join(f'<th scope="col">{text}</th>' for text in columns)
    label = texts.clusters.SILENCE
    table = (
        f'<div class="cycles silence" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
    return f'<p class="agreement" role="status">{changed(shown, silenced)}</p>{table}'


def changed(shown: ClusterLook, silenced: Collection[int]) -> str:
    """Return what silence does to the label, in one sentence."""
    before, after = shown.answer(), shown.answer(silenced)
    own, new = int(before.argmax()), int(after.argmax())
    words = {"label": shown.classes[own], "before": before[own]}
    if not silenced:
        return texts.clusters.UNCHANGED.format(**words)
    words |= {"names": names(silenced), "after": after[own]}
    words |= {"other": shown.classes[new], "other_before": before[new], "other_after": after[new]}
    return texts.clusters.CHANGED[own == new].format(**words)


def places(typical: Sequence[Sequence[TypicalWindow]]) -> str:
    """Return where each cluster's typical windows stand in the recording, in the order in which they are played."""
    lines = []
    for index, windows in enumerate(typical):
        spots = ", ".join(texts.clusters.PLACE.format(cycle=w.cycle + 1, start=w.start_s) for w in windows)
        form = texts.clusters.PLACES if windows else texts.clusters.EMPTY
        lines.append(f"<li>{form.format(number=index + 1, places=spots)}</li>")
    return f'<ul class="note places">{"".join(lines)}</ul>'
