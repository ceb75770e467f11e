"""The notebooks and scripts that the tests run."""
import shutil
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "Notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.vit"))


def copy(destination):
    """Copies the folder, so that what its cells write does not land in the repository."""
    return Path(shutil.copytree(FOLDER, destination, dirs_exist_ok=True))
