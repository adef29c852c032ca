from __future__ import annotations

from gatekeeper_py.billing.reports.chart import report
from tests.billing.samples import billed, node, objects, pod, thirty


def test_the_page_has_a_bar_for_each_tenant_and_for_what_is_idle() -> None:
    page = report(billed(objects(thirty())), ["tenant"])
    assert page.count('<div class="row">') == 5
    assert '<rect class="used" width="100%" height="100%"/></svg><b>51.00</b>' in page
    assert '<rect class="idle" width="45.93%"' in page
    assert "<td>baz</td><td>big</td><td>50.00</td><td>2</td><td>80.00</td>" in page


def test_the_page_asks_nobody_for_anything_and_takes_no_markup_from_names() -> None:
    hostile = pod({"name": "<b>/web", "node": "n1", "containers": [{"cpu": "1"}]}, {})
    page = report(billed([node("n1"), hostile]), ["namespace"])
    assert "&lt;b&gt;" in page
    assert "<span><b>" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_what_is_not_billed_stands_on_the_page() -> None:
    page = report(
        billed([pod({"name": "foo/web", "class": "none", "containers": [{}]}, {"none": {}})]), ["tenant"]
    )
    assert "Not billed" in page
    assert "its runtime class &#x27;none&#x27; is unknown" in page
