"""Every notebook runs from top to bottom in a fresh kernel, and exports to HTML."""
import nbformat
import notebooks
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter


def test_the_tour_is_there():
    assert {"Tour.ipynb", "Sentences.ipynb"} <= set(notebooks.NOTEBOOKS)


@pytest.mark.parametrize("name", notebooks.NOTEBOOKS)
def test_notebook(name, tmp_path):
    folder = notebooks.copy(tmp_path)
    notebook = nbformat.read(folder / name, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "vitrine"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    nbformat.validate(notebook)
    bundles = [output.data for output in outputs if "data" in output]
    assert bundles, "no cell shows anything"
    assert all(bundle.get("text/plain") for bundle in bundles)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert page.count("data:image/svg+xml") >= sum(
        "data:image/svg+xml" in bundle.get("text/html", "") for bundle in bundles
    )
