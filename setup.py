"""Build step that pyproject.toml cannot say: the wheel holds configs/ as trapmtl/configs."""

from pathlib import Path
from shutil import copytree

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Copies the modules, and beside them the configurations."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # an editable install finds them in the clone
            copytree("configs", Path(self.build_lib) / "trapmtl" / "configs", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithConfigs})
