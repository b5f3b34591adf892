"""What the tests share: where the real surfaces lie, and small scenes whose answer is known."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real surfaces beside the checkout; their licences keep them out of the project."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real surfaces are absent ({folder}); this test runs where they are")
    return folder
