"""Texts of configuration that loaders take wrongly without a word, or never finish with."""

import time
from pathlib import Path

import pytest

from ct_importance.errors import InputError
from ct_importance.workflow.config_file import check_command_line, check_config_files
from tests.workflow.test_config import ROOT

REPEATED = ["a0: &a0 {k: v, l: w}"]
MERGED = ["a0: &a0 {k: v}"]
for level in range(1, 30):
    three = f"*a{level - 1}, *a{level - 1}, *a{level - 1}"
    REPEATED.append(f"a{level}: &a{level} [{three}]")
    MERGED.append(f"a{level}: &a{level} {{<<: [{three}], k{level}: v}}")


def complaint(folder: Path, text: str | bytes) -> str:
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    begun = time.perf_counter()
    with pytest.raises(InputError) as error:
        check_config_files([path])
    assert time.perf_counter() - begun < 5
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(f"config: {path}")
    return str(error.value).removeprefix(f"config: {path}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: a\n# Müller\n".encode("latin-1"), ", line 2: not UTF-8: save it as UTF-8"),
        ("run: a\n".encode("utf-16"), ", line 1: not UTF-8"),
        ("run: a\nseed: 1\nrun: b\n", ", line 3: the key run comes twice: the first would be lost"),
        ("cohort:\n  image_size: 64\n  'image_size': 88\n", ", line 3: the key image_size comes"),
        ('{"seed": 1,\n\t"seed": 2}', ", line 2: the key seed comes twice"),
        ("\n".join(REPEATED), ", line 10: more than 100000 values: do aliases (*name) repeat"),
        ("\n".join(MERGED), ", line 10: more than 100000 values"),
        ("cohort: &a\n  phantom: *a\n", ", line 2: *a stands for nothing that ends before it"),
        (f"run: {'[' * 5000}{']' * 5000}", ", line 1: more than 50 levels"),
        (f"run: {'{a: ' * 5000}1{'}' * 5000}", ", line 1: more than 50 levels"),
        ("\n".join(f"{' ' * depth}a:" for depth in range(900)), ", line 50: more than 50 levels"),
        (f"seed: {'9' * 5000}", ", line 1: a value of 5000 characters: 4000 are allowed"),
        ("run: a\n" + "# a comment\n" * 50_000, " has more than 500000 bytes"),
        ("run: [a\nseed: 1\n", ", line 2: not as YAML should be: did not find expected ',' or ']'"),
        ("cohort:\n\tdatasets: {}\n", ", line 2: not as YAML should be: "),
        ("run: a\0\n", ": not as YAML should be: unacceptable character #x0000"),
        ("run: !!python/name:os.system\n", ", line 1: not as YAML should be: could not determine"),
        ("run: 2024-13-45\n", ": not as YAML should be: month must be in 1..12"),
        ("? [a, b]\n: 1\n", ", line 1: a key must be text"),
        ("- run\n", " is not a mapping: write lines such as `run: mine`"),
        ("", " is not a mapping"),
    ],
)
def test_one_message_says_where_and_what(tmp_path, text, message):
    assert complaint(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffrun: a\n",
        "x: &x {epochs: 3}\nmine: {training: {<<: *x, epochs: 4}}\nalso: *x\n",
        '{"run": "a",\n\t"seed": 2}',
        "a: {k: 1}\nb: {k: 1}\n",
        "a: [k, k]\n",
    ],
)
def test_what_is_sound_passes(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")

    check_config_files([tmp_path / "mine.yaml"])


def test_the_configurations_of_the_project_pass():
    check_config_files([ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))])


def test_what_is_no_file_is_left_to_snakemake(tmp_path):
    check_config_files([tmp_path, tmp_path / "nowhere.yaml", "/dev/null"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["-n", "--configfile", "FILE"],
        ["--configfile=FILE", "--cores", "2", "all"],
        ["--configfiles", "nowhere", "FILE", "--config", "seed=1"],
        ["--config", "seed=1", "--configfile", "nowhere", "--configfile", "FILE", "--", "all"],
    ],
)
def test_the_files_of_the_command_line_are_found(tmp_path, arguments):
    (tmp_path / "mine.yaml").write_text("run: a\nrun: b\n")
    arguments = [text.replace("FILE", str(tmp_path / "mine.yaml")) for text in arguments]

    with pytest.raises(SystemExit, match=r"mine\.yaml, line 2: the key run comes twice"):
        check_command_line(arguments)


@pytest.mark.parametrize("arguments", [[], ["-n", "--config", "run=a"], ["--configfile"]])
def test_a_command_without_files_is_no_mistake(arguments):
    check_command_line(arguments)
