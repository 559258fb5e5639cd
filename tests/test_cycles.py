import json
import time

import numpy as np
import pytest

from rsc_core import synth
from rsc_core.analysis import Cycle
from rsc_core.cycles import (
    SEAM_SAMPLES,
    SPRSOUND_CLASSES,
    AnnotationError,
    fill,
    period_samples,
    read_annotation,
    read_events,
    read_icbhi,
    read_sprsound,
    windows,
    within,
)


def sprsound_text(*events, record="Normal"):
    events = [{"start": start, "end": end, "type": kind} for start, end, kind in events]
    return json.dumps({"record_annotation": record, "event_annotation": events})


def test_icbhi_flags_are_the_four_classes(tmp_path):
    path = tmp_path / "101_1b1_Al_sc_Meditron.txt"
    path.write_text("0.036\t0.579\t0\t0\n0.579\t2.45\t1\t0\n2.45\t3.893\t0\t1\n3.893\t5.793\t1\t1\n")
    found = read_icbhi(path)
    assert found == (
        Cycle(0.036, 0.579, "normal"),
        Cycle(0.579, 2.45, "crackle"),
        Cycle(2.45, 3.893, "wheeze"),
        Cycle(3.893, 5.793, "both"),
    )
    assert read_annotation(path) == found


def test_icbhi_forgives_windows_line_ends_blank_lines_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "saved_by_an_editor.TXT"
    path.write_bytes("\ufeff0.5\t1.5\t1\t0\r\n\r\n".encode())
    assert read_annotation(path) == (Cycle(0.5, 1.5, "crackle"),)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1.0\t2.0\t0", "expected 4 columns"),
        ("1.0\t2.0\t0\t0\t0", "expected 4 columns"),
        ("1.0\ttwo\t0\t0", "must be numbers"),
        ("2.0\t1.0\t0\t0", "expected 0 <= start < end"),
        ("1.0\t1.0\t0\t0", "expected 0 <= start < end"),
        ("-1.0\t1.0\t0\t0", "expected 0 <= start < end"),
        ("nan\t1.0\t0\t0", "expected 0 <= start < end"),
        ("0\tinf\t0\t0", "expected 0 <= start < end"),
        ("1.0\t2.0\t2\t0", "0 or 1, got '2'"),
        ("1.0\t2.0\t0\tyes", "0 or 1, got '0' and 'yes'"),
    ],
)
def test_malformed_icbhi_line_is_named_by_file_and_number(tmp_path, line, complaint):
    path = tmp_path / "bad.txt"
    path.write_text(f"0.0\t1.0\t0\t0\n\n{line}\n")
    with pytest.raises(AnnotationError, match=r"^bad\.txt, line 3: ") as caught:
        read_icbhi(path)
    assert complaint in str(caught.value)


def test_sprsound_times_are_milliseconds_and_types_stay(tmp_path):
    path = tmp_path / "65097319_8.7_1_p2_3245.json"
    path.write_text(sprsound_text(("120", "1452", "Fine Crackle"), ("2000", "2600", "Rhonchi"), record="CAS & DAS"))
    record, events = read_sprsound(path)
    assert record == "CAS & DAS"
    assert [(e.start_s, e.end_s, e.label) for e in events] == [
        (pytest.approx(0.12), pytest.approx(1.452), "Fine Crackle"),
        (pytest.approx(2.0), pytest.approx(2.6), "Rhonchi"),
    ]
    assert [cycle.label for cycle in read_annotation(path)] == ["crackle", "wheeze"]


def test_sprsound_types_as_four_classes(tmp_path):
    path = tmp_path / "all.json"
    path.write_text(sprsound_text(*((str(i), str(i + 1), kind) for i, kind in enumerate(SPRSOUND_CLASSES))))
    four = {kind: cycle.label for kind, cycle in zip(SPRSOUND_CLASSES, read_annotation(path), strict=True)}
    assert four == {
        "Normal": "normal",
        "Fine Crackle": "crackle",
        "Coarse Crackle": "crackle",
        "Wheeze": "wheeze",
        "Rhonchi": "wheeze",
        "Stridor": "wheeze",
        "Wheeze+Crackle": "both",
    }


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (("10", "ten", "Normal"), "must be numbers"),
        ((None, "10", "Normal"), "must be numbers"),
        (("10", "5", "Normal"), "expected 0 <= start < end"),
        (("-1", "5", "Normal"), "expected 0 <= start < end"),
        (("0", "5", "Squawk"), "unknown type 'Squawk'"),
        (("0", "5", ["Normal"]), "unknown type"),
    ],
)
def test_malformed_sprsound_event_is_named_by_file_and_number(tmp_path, event, complaint):
    path = tmp_path / "bad.json"
    path.write_text(sprsound_text(("0", "100", "Normal"), event))
    with pytest.raises(AnnotationError, match=r"^bad\.json, event 2: ") as caught:
        read_sprsound(path)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "expected JSON"),
        ("[]", "expected JSON with record_annotation"),
        ('{"record_annotation": "Normal"}', "event_annotation"),
        ('{"record_annotation": "Normal", "event_annotation": 3}', "str and int"),
        ('{"record_annotation": null, "event_annotation": []}', "NoneType and list"),
        (
            '{"record_annotation": "Normal", "event_annotation": [{"start": "0", "end": "9"}]}',
            "event 1: expected start",
        ),
        ('{"record_annotation": "Normal", "event_annotation": ["0"]}', "event 1: expected start"),
    ],
)
def test_other_json_is_refused(tmp_path, text, complaint):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=r"^other\.json") as caught:
        read_annotation(path)
    assert complaint in str(caught.value)


def test_only_annotation_files_are_read(tmp_path):
    with pytest.raises(AnnotationError, match=r"a\.csv.*'\.csv'"):
        read_annotation(tmp_path / "a.csv")
    sound = tmp_path / "sound.txt"
    sound.write_bytes(b"RIFF\xff\xfe\x80WAVE")
    with pytest.raises(AnnotationError, match=r"sound\.txt: expected a text file"):
        read_annotation(sound)


@pytest.mark.parametrize("seconds", [2.5, 4.0, 5.0, 7.4, 7.5, 12.0, 20.0, 23.1, 600.0])
def test_windows_cover_the_recording_and_none_is_short(seconds):
    found = windows(seconds)
    assert found[0].start_s == 0
    assert found[-1].end_s == seconds
    assert all(a.end_s == b.start_s for a, b in zip(found[:-1], found[1:], strict=True))
    assert all(2.5 <= w.seconds < 7.5 and w.label is None for w in found)
    assert all(w.seconds == 5 for w in found[:-1])


def test_recording_shorter_than_half_a_window_is_one_window():
    assert windows(0.7) == (Cycle(0.0, 0.7),)


def test_within_cuts_the_last_end_and_refuses_another_recordings_annotation():
    assert within((Cycle(0, 2, "normal"), Cycle(2, 4.02, "both")), 4.0) == (
        Cycle(0, 2, "normal"),
        Cycle(2, 4.0, "both"),
    )
    with pytest.raises(AnnotationError, match="starts at 4.00 s but the recording ends at 3.50 s"):
        within((Cycle(0, 2), Cycle(4, 5)), 3.5)
    with pytest.raises(AnnotationError, match="no cycle"):
        within((), 3.5)


@pytest.mark.parametrize("samples", [1, 2, 3, 7, 160, 319, 320, 13_333, 79_999, 80_000])
def test_fill_repeats_the_clip_with_a_known_period(samples):
    clip = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    filled = fill(clip, 80_000)
    assert (filled.shape, filled.dtype) == ((80_000,), np.float32)
    period = period_samples(samples)
    seam = samples - period
    assert 1 <= period <= samples
    assert seam <= SEAM_SAMPLES
    assert np.array_equal(filled[:period], clip[:period])
    position = np.arange(period, 80_000)
    offset = position % period
    plain = offset >= seam
    assert np.array_equal(filled[position[plain]], clip[offset[plain]])


def test_clip_as_long_as_the_window_is_kept_and_a_longer_one_cut():
    clip = np.arange(10, dtype=np.float32)
    assert np.array_equal(fill(clip, 10), clip)
    assert np.array_equal(fill(clip, 4), clip[:4])


@pytest.mark.parametrize("samples", [160, 1000, 13_333])
def test_seam_does_not_click(samples):
    slope = np.linspace(-1, 1, samples, dtype=np.float32)  # plain repetition jumps by 2 at each seam
    seam = samples - period_samples(samples)
    assert np.abs(np.diff(fill(slope, 40_000))).max() < 2 / seam
    assert np.abs(np.diff(np.resize(slope, 40_000))).max() == 2


def test_constant_stays_constant_across_seams():
    np.testing.assert_allclose(fill(np.full(5000, 0.5, np.float32), 80_000), 0.5, rtol=1e-6)


def test_fill_leaves_the_clip_untouched():
    clip = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    before = clip.copy()
    fill(clip, 80_000)[:] = 0
    assert np.array_equal(clip, before)


def test_empty_clip_cannot_fill():
    with pytest.raises(ValueError, match="empty clip"):
        fill(np.empty(0, np.float32), 100)


def test_fill_is_fast_enough_for_every_training_clip():
    for samples in (1, 160, 20_000, 79_999):
        clip = np.ones(samples, np.float32)
        times = []
        for _ in range(50):
            start = time.process_time()
            fill(clip, 80_000)
            times.append(time.process_time() - start)
        assert min(times) < 1e-3, f"{samples} samples took {min(times) * 1e6:.0f} µs"


def test_a_synthesised_annotation_holds_breaths_and_exact_events(tmp_path):
    made = synth.example("Crackles and wheeze")
    path = synth.annotate(tmp_path / "breath.json", made)
    for found, placed in ((read_annotation(path), made.cycles), (read_events(path), made.events)):
        assert len(found) == len(placed) > 0
        assert all(
            f.start_s == pytest.approx(p.start_s) and f.end_s == pytest.approx(p.end_s)
            for f, p in zip(found, placed, strict=True)
        )
    assert [c.label for c in read_annotation(path)] == [c.label for c in made.cycles]
    assert {e.label for e in read_events(path)} == {"Coarse Crackle", "Wheeze"}
    path.write_text(path.read_text().replace('"both"', '"loud"'))
    with pytest.raises(AnnotationError, match="cycle 1: expected start, end"):
        read_annotation(path)


def test_normal_sounds_and_icbhi_lines_are_no_events(tmp_path):
    path = tmp_path / "a.json"
    events = [{"start": "0", "end": "500", "type": "Normal"}, {"start": "500", "end": "900", "type": "Rhonchi"}]
    path.write_text(json.dumps({"record_annotation": "CAS", "event_annotation": events}))
    assert read_events(path) == (Cycle(0.5, 0.9, "Rhonchi"),)
    assert read_events(tmp_path / "a.txt") == ()
