"""Parsing: malformed, repeated, endless and not-a-number input is refused with its place."""

from __future__ import annotations

import pytest

from placer.errors import InputError
from placer.parse import parse_mapping

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# only a remark\n", "expected named fields at the top level"),
        ("- a\n- b\n", "expected named fields at the top level, got list"),
        ("1: a\n", "expected named fields"),
        ("a: [1, 2\nb: 3\n", "malformed YAML at line 2, column"),
        ("a: b: c\n", "malformed YAML at line 1"),
        ("\ta: 1\n", "malformed YAML"),
        ('{"a": 1,', "malformed JSON at line 1, column"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', '"c" is given twice'),
        ("a: 1\nb: {c: 1, c: 2}\n", 'malformed YAML at line 2, column 11: "c" is given twice'),
        ("a: " + "[" * 100_000 + "]" * 100_000, "nested more than"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        (BOMB, "aliases expand to more than"),
        ("a: &a [*a]\n", "aliases expand to more than"),
        ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        ("a: " + "9" * 5_000, "malformed"),
        ("a: *nobody\n", "malformed YAML at line 1"),
        ("a: 1\n---\nb: 2\n", "malformed YAML at line 2"),
    ],
)
def test_refuses(text, message):
    with pytest.raises(InputError, match=r"^lab: ") as caught:
        parse_mapping(text, "lab")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_modest_alias_and_a_merge_are_fine():
    text = "base: &base {count: 1, unit: 2}\nother: {<<: *base, count: 3}\nsame: *base\n"
    assert parse_mapping(text, "lab")["other"] == {"count": 3, "unit": 2}


def test_yaml_in_braces_is_read_as_its_name_says():
    assert parse_mapping("{a: 1}", "lab.yaml") == {"a": 1}
    with pytest.raises(InputError, match="malformed JSON"):
        parse_mapping("{a: 1}", "lab.json")
