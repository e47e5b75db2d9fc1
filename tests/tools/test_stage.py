"""The book's pages, as they are put together."""

from stage import resolved


def test_a_link_to_the_readme_leads_to_the_first_page():
    assert resolved("The [README](../README.md).", "book/guide.md", "") == "The [README](../index.md)."


def test_links_to_pages_stay_and_other_links_become_text():
    text = "[symbols](notebooks/notation.md), [tools](tools/accept.py)"
    assert resolved(text, "CONTRIBUTING.md", "") == "[symbols](notebooks/notation.md), tools"
