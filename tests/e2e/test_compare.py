"""Comparing models, what tuning changed, evidence, and files to take home, in a real browser."""

import re

import pytest

from rsc_core.ui import texts
from tests.e2e.test_page import open_page, table, upload, wait_for_new


def take_report(page, folder):
    page.locator("#prepare-report").click()
    with page.expect_download() as download:
        page.locator("#prepared a").first.click()
    download.value.save_as(folder / "report.html")
    return (folder / "report.html").read_text()


@pytest.mark.slow
def test_the_label_has_evidence_beside_it_and_the_report_goes_home(page, server, breath, tmp_path):
    open_page(page, server)
    upload(page, breath[0])
    table(page)
    page.wait_for_selector("#evidence .evidence")
    found = page.locator("#evidence").inner_text()
    assert re.search(r"Wheeze\. A ridge at \d+ Hz lasts \d\.\d\d s\. The label (dis)?agrees", found)
    assert re.search(r"Crackle\. \d+ crackles?, median two-cycle duration", found)
    assert texts.evidence.WEAK in found
    report = take_report(page, tmp_path)
    assert texts.page.CAUTION.replace("'", "&#x27;") in report or texts.page.CAUTION in report
    assert "patient_jane_doe" not in report
    assert not re.findall(r"https?:", report) and texts.pictures.ALT["maps"] not in report

    page.locator("#named input").check()
    page.locator("#prepare-json").click()
    page.locator("#prepared", has_text="lung-sound-analysis").wait_for()
    with page.expect_download() as download:
        page.locator("#prepared a").first.click()
    assert "patient_jane_doe" in download.value.path().read_text()


def test_two_models_are_compared_and_a_tuned_one_is_taken_apart(page, server, breath, tmp_path):
    open_page(page, server)
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-remark", has_text=texts.compare.COMPARE_FIRST).wait_for()
    page.get_by_role("tab", name="Analyse").click()
    upload(page, breath[0])
    page.wait_for_selector("#evidence .evidence")
    page.get_by_role("tab", name="Compare").click()
    for name in ("icbhi-full", "icbhi-lora", "icbhi-adapter", "sprsound-base", "sprsound-cnn"):
        box = page.locator("#compare-models label", has_text=name).locator("input")
        box.set_checked(name in ("icbhi-full", "icbhi-lora"))
    page.locator("#compare").click()
    page.wait_for_selector("#compare-maps img")
    rows = [row.locator("td").all_inner_texts() for row in page.locator(".compared tr[data-cycle]").all()]
    labels = [[cell.split()[0] for cell in row[-2:]] for row in rows]
    different = sum(first != second for first, second in labels)
    sentence = page.locator("#compare-sentence").inner_text()
    assert sentence.startswith(f"{different} of {len(rows)} " if different else f"All {len(rows)} ")
    assert [first != second for first, second in labels] == sorted((a != b for a, b in labels), reverse=True)

    page.locator("#show-tuned").click()
    page.wait_for_selector("#tuned-spectra img")
    before = {place: page.locator(f"{place} img").get_attribute("src") for place in ("#tuned-dial", "#tuned-spectra")}
    page.locator("#tuned-share input[type=number]").fill("0.5")
    page.locator("#tuned-share input[type=number]").press("Enter")
    wait_for_new(page, "#tuned-dial", before["#tuned-dial"])
    page.locator("#tuned-changes img").click(position={"x": 100, "y": 100})
    wait_for_new(page, "#tuned-spectra", before["#tuned-spectra"])

    page.get_by_role("tab", name="Analyse").click()
    report = take_report(page, tmp_path)
    pictures = re.findall('<img alt="(.*?)"', report)
    for name, count in {"maps": 2, "dial": 1, "difference": 1, "changes": 1, "spectra": 1}.items():
        assert pictures.count(texts.pictures.ALT[name]) == count
    assert sentence in report and "icbhi-lora" in report
