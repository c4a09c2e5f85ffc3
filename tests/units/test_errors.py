"""Messages: where, what, and the nearest known name."""

from __future__ import annotations

import pytest

from placer.errors import CatalogError, InputError, VerificationError, clipped, nearest_hint


def test_an_error_is_located_from_the_outside_in():
    error = CatalogError("missing", where="pools[1]").located("lab.yaml")
    assert type(error) is CatalogError
    assert str(error) == "lab.yaml: pools[1]: missing"


def test_exit_codes_tell_bad_input_from_a_failed_certificate():
    assert (InputError.exit_code, CatalogError.exit_code, VerificationError.exit_code) == (2, 2, 4)


@pytest.mark.parametrize(("name", "hint"), [("H200-SXN", "h200-sxm"), ("gb20", "gb200"), ("zzzz", "")])
def test_the_nearest_name_is_offered_whatever_its_case(name, hint):
    assert nearest_hint(name, ["h200-sxm", "gb200"]) == (f'; did you mean "{hint}"?' if hint else "")


def test_values_in_messages_are_short_even_where_they_are_endless():
    layer = ["x"] * 10
    for _ in range(20):
        layer = [layer] * 10
    assert len(clipped(layer)) <= 60
    assert len(clipped("x" * 10**6)) <= 60
    assert clipped(None) == "None"
