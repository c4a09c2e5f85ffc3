"""Pictures of frontiers: axes with units, a label beside every curve, bounds shown, the same every time."""

import xml.etree.ElementTree as ET

import pytest

from placer.errors import InputError
from placer.plan.frontier import Frontier, FrontierPoint
from placer.report import chart
from placer.report.frontier import frontier_csv

pytest.importorskip("matplotlib")


def point(curve, speed, price, *, per_mw=1e6, gap=0.01, **fields):
    return FrontierPoint(
        curve=curve,
        model="m",
        fleet=curve,
        target_tokens_per_s_per_user=speed,
        status="planned",
        tokens_per_s_per_user=speed,
        usd_per_million_output_tokens=price,
        usd_per_million_tokens=price,
        bound_usd_per_million_tokens=price * (1 - gap),
        relative_gap=gap,
        tokens_per_s_per_mw=per_mw,
        is_pareto=True,
        **fields,
    )


@pytest.fixture(scope="module")
def frontier():
    points = [point(curve, speed, 0.1 * speed) for curve in ("one", "other") for speed in (10.0, 100.0)]
    missing = FrontierPoint(
        curve="one", model="m", fleet="one", target_tokens_per_s_per_user=500.0, status="infeasible", reason="too fast"
    )
    per_curve = dict.fromkeys(("one", "other"), 8192)
    basis = dict.fromkeys(("one", "other"), "tco")
    return Frontier(input_tokens=per_curve, output_tokens=per_curve, price_basis=basis, points=(*points, missing))


def panels(frontier, names=chart.STANDARD_AXES):
    return chart._figure(frontier, [chart.AXES[name] for name in names], "").axes


def test_axes_have_names_and_units_and_curves_labels(frontier):
    left, right = panels(frontier)
    assert left.get_xlabel() == right.get_xlabel() == "interactivity, tokens/s per user"
    assert "per MW" in left.get_ylabel()
    assert "USD per million tokens" in right.get_ylabel()
    for panel in (left, right):
        assert {text.get_text() for text in panel.texts} == {"one", "other"}
        assert panel.get_xscale() == panel.get_yscale() == "log"
        assert panel.get_legend() is None


def test_labels_of_curves_that_end_together_do_not_overlap(frontier):
    for panel in panels(frontier):
        one, other = ((text.xyann, text.get_ha()) for text in panel.texts)
        assert abs(one[0][1] - other[0][1]) >= 0.05 - 1e-9 or one[1] != other[1]


def test_a_label_far_from_all_others_stays_at_its_point(frontier):
    slow = point("far", 0.1, 9.9)
    per_curve = frontier.input_tokens | {"far": 1}
    basis = frontier.price_basis | {"far": "tco"}
    more = Frontier(input_tokens=per_curve, output_tokens=per_curve, price_basis=basis, points=(*frontier.points, slow))
    for panel in panels(more):
        label = next(text for text in panel.texts if text.get_text() == "far")
        assert label.xyann[1] == pytest.approx(label.xy[1])


def test_the_bound_is_shaded_where_it_is_known(frontier):
    left, right = panels(frontier)
    assert not left.collections
    assert len(right.collections) == 2


@pytest.mark.parametrize("kind", chart.FORMATS)
def test_a_picture_is_the_same_every_time(tmp_path, frontier, kind):
    paths = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for path in paths:
        chart.save_chart(frontier, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_size > 2_000


def test_an_svg_has_no_background_and_is_well_formed(tmp_path, frontier):
    path = tmp_path / "c.svg"
    chart.save_chart(frontier, path, title="a title")
    root = ET.parse(path).getroot()
    assert root.tag.endswith("svg")
    patches = [node for node in root.iter() if node.get("id") == "patch_1"]
    assert "fill: none" in next(iter(patches[0])).get("style")


def contrast(colour, ground):
    def luminance(text):
        parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*chart.COLOURS, chart.INK])
def test_colours_can_be_read_on_white_and_on_black(colour):
    # Success criterion 1.4.11 of WCAG 2.1 asks 3 to 1 of graphics; GitHub's dark ground is #0d1117.
    assert contrast(colour, "#ffffff") >= 3.0
    assert contrast(colour, "#0d1117") >= 3.0


@pytest.mark.parametrize("name", ["chart", "chart.gif", "chart.svgz"])
def test_other_kinds_of_files_are_refused_before_anything_is_drawn(tmp_path, frontier, name):
    with pytest.raises(InputError, match=r"expected a name that ends in \.svg, \.png, \.pdf"):
        chart.save_chart(frontier, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_unknown_axis_is_refused(tmp_path, frontier):
    with pytest.raises(InputError, match='did you mean "tokens-per-mw"'):
        chart.save_chart(frontier, tmp_path / "c.svg", ("tokens-per-mv",))


def test_csv_has_a_row_for_every_point(frontier):
    lines = frontier_csv(frontier).splitlines()
    assert len(lines) == 1 + len(frontier.points)
    assert lines[0].startswith("curve,model,fleet,target_tokens_per_s_per_user,status")
    assert lines[-1].startswith("one,m,one,500.0,infeasible,too fast,,,")
