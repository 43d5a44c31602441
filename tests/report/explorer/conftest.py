"""A small run's page in a browser."""

import pytest

from tests.report.explorer.chromium import PROGRAM, chromium
from tests.report.explorer.looking import SHOWN
from tests.report.explorer.small_run import build_page, make_run


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory):
    if PROGRAM is None:
        pytest.skip("needs Chromium: apt install chromium (Debian's package)")
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def browser(open_browser):
    """The browser, without what earlier pages left."""
    open_browser.complaints.clear()
    open_browser.requests.clear()
    open_browser.call("Emulation.setEmulatedMedia", features=[])
    return open_browser


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    return build_page(tmp_path_factory.mktemp("page") / "explorer.html", run[0]).as_uri()


@pytest.fixture
def visit(browser, url):
    """Return a function that opens the page in a state; afterwards it must not have complained."""

    def open_page(state="", width=1280, estimator="integrated_gradients_bw"):
        browser.resize(width, 900)
        chosen = "" if "estimator=" in state else f"&estimator={estimator}"
        browser.open(f"{url}#{state}{chosen}")
        browser.wait_for(SHOWN)
        return browser

    yield open_page
    assert browser.complaints == []
    asked = {it.split("#")[0] for it in browser.requests if not it.startswith(("data:", "blob:"))}
    assert asked <= {url, "about:blank"}
