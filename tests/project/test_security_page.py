"""The threats of docs/security.md: each is covered by a test, and these tests exist."""

import re

from tests.project.paths import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
WITHOUT = {"careless code of our own"}


def test_each_threat_has_a_test_that_exists() -> None:
    threats = PAGE.split("## Threats")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in threats.splitlines()
        if line.startswith("| ") and not line.startswith("| threat")
    ]
    assert len(rows) > 30
    for threat, guard, *tests in rows:
        assert guard
        named = re.findall(r"`([a-z_0-9/]+\.py)`", " ".join(tests))
        assert named or threat in WITHOUT, threat
        for name in named:
            assert (ROOT / "tests" / name).is_file(), name
