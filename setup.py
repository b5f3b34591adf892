"""Build step that pyproject.toml cannot say: the wheel holds configs/ and examples/ as folders of trapmtl."""

from pathlib import Path
from shutil import copytree, ignore_patterns

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithFiles(build_py):
    """Copies the modules, and beside them the configurations and the example files."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # an editable install finds them in the clone
            for folder in ("configs", "examples"):
                into = Path(self.build_lib) / "trapmtl" / folder
                copytree(folder, into, dirs_exist_ok=True, ignore=ignore_patterns("*.py", "__pycache__"))


setup(cmdclass={"build_py": BuildWithFiles})
