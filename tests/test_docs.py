"""The documentation: every example runs, generated pages are current, links and commands exist."""

import doctest
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
]
EXECUTED = [page for page in PAGES if page != "CONTRIBUTING.md"]  # it shows a rule of the table
GENERATED = ["support.md", "kinks.md"]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text, language):
    """(line before the first, text) of each fenced block of a language."""
    return [
        (text.count("\n", 0, found.start(2)), found[2])
        for found in FENCE.finditer(text)
        if found[1] == language
    ]


def run_examples(name, text):
    """Run the examples of a page, one after the other in one namespace; return (failed, tried)."""
    parser = doctest.DocTestParser()
    examples = []
    for line, block in blocks(text, "python"):
        found = parser.get_examples(block, name)
        assert found, f"{name}:{line}: a Python block without >>> is not run"
        for example in found:
            example.lineno += line
        examples += found
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    return runner.run(doctest.DocTest(examples, {}, name, name, 0, text))


def load_generator():
    path = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("docs_generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate():
    return load_generator()


def version(text):
    return tuple(int(part) for part in text.split(".")[:2])


@pytest.mark.parametrize("page", EXECUTED)
def test_examples_run(page):
    text = read(page)
    failed, tried = run_examples(page, text)
    assert failed == 0
    assert (tried > 0) == ("```python" in text)


def test_a_wrong_example_is_found():
    assert run_examples("page", "```python\n>>> 1 + 1\n3\n```\n") == (1, 1)
    assert run_examples("page", "text\n```sh\nfalse\n```\n") == (0, 0)
    with pytest.raises(AssertionError, match="page:1"):
        run_examples("page", "```python\nf(x)\n```\n")


@pytest.mark.parametrize("page", GENERATED)
def test_generated_pages_are_current(generate, page):
    written = read(f"docs/{page}").splitlines()
    lacking = [name for name in generate.SINCE if not hasattr(np, name.removeprefix("np."))]
    expected = [line for line in written if not any(f"`{name}`" in line for name in lacking)]
    assert generate.PAGES[page]().splitlines() == expected, "run `make docs`"


def test_the_versions_of_younger_functions_are_right(generate):
    for name, since in generate.SINCE.items():
        present = hasattr(np, name.removeprefix("np."))
        assert present == (version(np.__version__) >= version(since)), name


def test_every_function_of_the_table_is_on_the_support_page(generate):
    page = read("docs/support.md")
    helpers = []
    for fn, entry in generate.TABLE.items():
        name = generate.users_name(fn)
        if name is None:
            helpers.append(fn)
        else:
            assert f"| `{name}`" in page, entry
    helpers.remove(generate.CLIP_UFUNC)
    assert all(fn.__module__.startswith("chainrule.rules.") for fn in helpers)


def test_every_kink_is_on_the_page_of_kinks(generate):
    rows = [line for line in read("docs/kinks.md").splitlines() if line.startswith("| `")]
    declared = [
        where
        for fn, entry in generate.TABLE.items()
        if generate.users_name(fn) is not None
        for where in entry.kinks
    ]
    assert len(rows) == len(declared) > 40


def test_the_walk_through_shows_a_rule_of_the_table():
    rules = "".join(path.read_text() for path in (ROOT / "src/chainrule/rules").glob("*.py"))
    shown = [block for _, block in blocks(read("CONTRIBUTING.md").replace("\n   ", "\n"), "python")]
    assert shown
    assert all(block.strip() in rules for block in shown)


def anchors(text):
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", read(page))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_exist(page):
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z]+)", read(page), re.MULTILINE)
    assert named
    assert set(named) <= targets


def test_decisions_are_listed():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    pages = sorted(path for path in folder.glob("0*.md"))
    assert [int(path.name[:4]) for path in pages] == list(range(1, len(pages) + 1))
    for path in pages:
        title = path.read_text(encoding="utf-8").splitlines()[0].split(": ", 1)[1]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index
