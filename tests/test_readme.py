"""README and docs: their commands work as written, and what they show is what users see."""

import inspect
import re
from pathlib import Path

import click
import pytest

import hgq2rtl
from hgq2rtl.build import BuildOptions
from hgq2rtl.cli import commands

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [
    README,
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    ROOT / "hdl_templates" / "README.md.j2",
    ROOT / "CHANGELOG.md",
]
FIRST_SCREEN = 40

OTHER_PROGRAMS = {"--update-replay", "--keep", "--rtl"}
"""Options of pytest and of the scripts beside the pages."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code_blocks(text):
    """Language and content of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def options_of(command) -> set[str]:
    """Every word that a command takes, ``--no-...`` too."""
    return {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def test_the_first_screen_has_the_two_commands_each_in_a_block_of_its_own():
    screen = "\n".join(README.read_text().splitlines()[:FIRST_SCREEN]) + "\n"
    blocks = [content for _, content in code_blocks(screen)]
    assert blocks[:2] == [
        "pip install . && hgq2rtl compile examples/digits.keras -o build/digits --check\n",
        "pip install '.[test]' && pytest\n",
    ]


def test_the_output_that_the_readme_shows_is_what_the_command_prints(digits):
    shown = code_blocks(README.read_text())[2][1].splitlines()
    assert shown == [
        hgq2rtl.compile(digits).summary,
        "written to build/digits",
        "bit-exact: 10000 samples, 0 mismatches (interpreter = Verilator)",
    ]


def hgq2rtl_lines(text):
    """Every ``hgq2rtl COMMAND ...`` in code, without comments."""
    code = [content for _, content in code_blocks(text)]
    text_outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    code += re.findall(r"`([^`\n]+)`", text_outside)
    for line in "\n".join(code).splitlines():
        found = re.search(r"(?:^|&& |\$ )hgq2rtl ([a-z-].*)", line.partition(" #")[0])
        if found:
            yield found[1].split(" && ")[0].strip()


def test_lines_of_the_command_are_found():
    assert len(list(hgq2rtl_lines(README.read_text()))) >= 7


@each_page
def test_every_command_and_option_exists(page):
    for line in hgq2rtl_lines(page.read_text()):
        name, *words = line.split()
        if name.startswith("-"):
            command, words = commands, [name, *words]
        else:
            command = commands.commands.get(name)
        assert isinstance(command, click.Command), line
        known = {"--help", "-h", "--debug", "--version"}
        known |= options_of(command)
        for word in words:
            if word.startswith("-"):
                assert word.partition("=")[0].rstrip("]") in known, line


@each_page
def test_every_option_that_is_named_alone_exists(page):
    known = {"--help", "--debug", "--version"}
    for command in commands.commands.values():
        known |= options_of(command)
    for word in re.findall(r"`(--[a-z-]+)[^`]*`", page.read_text()):
        assert word in known or word in OTHER_PROGRAMS


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_python_of_the_readme_names_what_is_there():
    (code,) = [content for language, content in code_blocks(README.read_text()) if language]
    compile(code, "README.md", "exec")
    for name in re.findall(r"\bhgq2rtl\.(\w+)\(", code):
        assert callable(getattr(hgq2rtl, name))
    fields = hgq2rtl.Design.__dataclass_fields__
    for name in re.findall(r"\bdesign\.(\w+)", README.read_text()):
        assert name in fields or hasattr(hgq2rtl.Design, name)


def test_every_option_of_a_compile_is_a_parameter_of_the_python_face():
    """The command line can do nothing that the API cannot."""
    parameters = set(inspect.signature(hgq2rtl.compile).parameters) | set(
        BuildOptions.__annotations__
    )
    faces_only = {"folder", "samples", "force", "as_json"}
    for option in commands.commands["compile"].params:
        name = option.name.removeprefix("no_")
        assert name in parameters | faces_only


def test_every_command_of_the_issue_has_its_options():
    wanted = {
        "compile": "-o --top --part --clock-ns --stages --combinational --no-input-register "
        "--no-output-register --input-format --output-format --functions --after --multipliers "
        "--check --force --json",
        "check": "--inputs --samples --bench --model",
        "info": "--data --functions",
        "opt": "-p",
    }
    for name, options in wanted.items():
        command = commands.commands[name]
        there = options_of(command)
        assert set(options.split()) <= there
