"""Metronome's published description, where it is at hand: METRONOME_OPENAPI names it, or it lies beside the project."""

import os
from pathlib import Path

import pytest
from django.conf import settings

DESCRIPTION = Path(
    os.environ.get("METRONOME_OPENAPI", settings.BASE_DIR.parent / "shared" / "reference" / "metronome-openapi.json")
)
needs_description = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="compares with Metronome's description, which is not part of the project"
)
