"""A page's own script and style, by the hashes that browsers compute."""

from __future__ import annotations

from gatekeeper_py.browser.contentpolicy import own

PAGE = "<style>a{}</style><script>\nalert(1)\n</script>"


def test_a_script_and_a_style_are_known_by_their_hashes() -> None:
    # printf '\nalert(1)\n' | openssl dgst -sha256 -binary | base64
    assert own(PAGE, "script") == "'sha256-J8+4/wmqNoqVGih0Xof49bzVEIwR8aHhR5HvZK1wlzY='"
    assert own(PAGE, "style") == "'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='"
