"""The wheel carries the catalogs and nothing that would collide with other packages."""

import subprocess
import sys
import zipfile

import pytest

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.mark.slow
def test_the_wheel_has_package_and_catalogs(repository, tmp_path):
    pytest.importorskip("hatchling")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=repository, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(tmp_path / done.stdout.strip()) as wheel:
        names = set(wheel.namelist())
    for folder in ("graphs", "fleets"):
        files = [path.relative_to(repository) for path in (repository / folder).rglob("*.yaml")]
        assert files
        assert {f"placer/_data/{file.as_posix()}" for file in files} <= names
    assert "placer/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"placer"}
