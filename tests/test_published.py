"""LoRA-RSC's column: what its settings come to, and which of its numbers they give."""

from rsc_core import published
from rsc_core.presets import PRESETS


def test_its_settings_come_to_the_counts_of_its_own_code():
    """Counted on its classes; its full model has no LayerNorm in the head."""
    counted = {name: row.counted(name) for name, row in published.LORA_RSC.items()}
    assert counted == {
        "full": 85_711_108 + 1_536,
        "lora": 299_524,
        "prefix": 889_348,
        "prompt": 1_847_812,
        "convpass": 258_916,
    }


def test_three_of_its_numbers_are_reached_by_nothing_it_has_released():
    reached = {name for name, row in published.LORA_RSC.items() if row.reached(name)}
    assert reached == {"lora", "prefix"}
    assert published.unreached().endswith("full (85.74 M), prompt (1.830 M), convpass (0.454 M).")


def test_the_table_holds_every_tuning():
    header, rows = published.table()
    assert all(len(row) == len(header) for row in rows)
    assert {PRESETS[row[0].strip("`")].tuning for row in rows} == {row.tuning for row in PRESETS.values()}
    assert next(row for row in rows if row[0] == "`lora`")[2:] == [
        "299,524",
        "rank 8, keys and values",
        "299,524",
        "0.299 M",
    ]
