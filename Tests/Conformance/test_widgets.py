"""Live controls over the Jupyter widgets' protocol, as a front end sees them."""
import uuid

import pytest

VIEW = "application/vnd.jupyter.widget-view+json"


class Panel:
    """The widgets of one explorer."""

    def __init__(self, client, code):
        self.client = client
        self.cell = client.execute(code)
        self.answer = client.wait(self.cell)
        assert self.answer.content["status"] == "ok", self.answer.content
        self.opened = [m for m in self.answer.published if m["msg_type"] == "comm_open"]
        self.states = {m["content"]["comm_id"]: m["content"]["data"]["state"] for m in self.opened}

    def find(self, model, label=None):
        return next(
            i for i, s in self.states.items()
            if s["_model_name"] == model and (label is None or s.get("description") == label)
        )

    def send(self, comm, data):
        """Sends a widget's message and waits for its `idle`."""
        sent = self.client.ask("comm_msg", {"comm_id": comm, "data": data})
        self.client.until(lambda: self.client.answers[sent].idle_at, 20, "idle after comm_msg")
        return self.client.answers[sent]

    def set(self, comm, **changes):
        return self.send(comm, {"method": "update", "state": changes, "buffer_paths": []})

    def messages(self, comm, method):
        return [
            m["content"]["data"] for a in self.client.answers.values() for m in a.published
            if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == comm
            and m["content"]["data"]["method"] == method
        ]

    def figures(self):
        """The plain texts of the figures that were shown, one after another."""
        updates = self.messages(self.find("OutputModel"), "update")
        return [u["state"]["outputs"][0]["data"]["text/plain"] for u in updates if "outputs" in u["state"]]

    def wait_figure(self, words):
        self.client.until(lambda: any(words in f for f in self.figures()[-1:]), 60, words)
        return self.figures()[-1]


@pytest.fixture
def panel(client):
    return Panel(client, 'explore("the loan was approved because", layer: 4)')


def test_widgets_are_opened_and_shown_beside_a_figure_that_stays(panel):
    assert all(m["metadata"]["version"] == "2.1.0" for m in panel.opened)
    assert all(m["content"]["target_name"] == "jupyter.widget" for m in panel.opened)
    for state in panel.states.values():
        assert {"_model_module", "_model_module_version", "_model_name"} <= set(state)
        for child in state.get("children", []):
            assert child.removeprefix("IPY_MODEL_") in panel.states
    controls, kept = panel.answer.contents("display_data")
    assert controls["data"][VIEW]["model_id"] == panel.find("VBoxModel")
    assert controls["data"]["text/plain"]
    assert kept["transient"]["display_id"] and "<img alt=" in kept["data"]["text/html"]
    assert VIEW not in kept["data"]
    assert "layer 4" in panel.wait_figure("layer 4")


def test_a_slider_moves_the_figure(panel):
    panel.wait_figure("layer 4")
    layer = panel.find("SelectionSliderModel", "Layer")
    answer = panel.set(layer, index=1)
    assert answer.states == ["busy", "idle"]
    assert panel.messages(layer, "echo_update")[-1]["state"] == {"index": 1}
    shown = panel.wait_figure("layer 1")
    assert shown == panel.client.run('attention("the loan was approved because", layer: 1)').result
    panel.set(panel.find("SelectionSliderModel", "Head"), index=3)
    panel.wait_figure("head 2")


def test_dragging_computes_only_what_counts(panel):
    panel.wait_figure("layer 4")
    layer = panel.find("SelectionSliderModel", "Layer")
    before = len(panel.figures())
    for _ in range(20):
        for place in (0, 1, 2, 3):
            panel.client.ask(
                "comm_msg", {"comm_id": layer, "data": {"method": "update", "state": {"index": place}}})
    panel.wait_figure("layer 3")
    assert len(panel.figures()) - before < 80
    assert "layer 3" in panel.figures()[-1]


def test_what_the_notebook_keeps_follows_when_the_controls_rest(panel):
    kept = panel.answer.contents("display_data")[1]["transient"]["display_id"]
    panel.set(panel.find("TextModel"), value="患者患有高血压，需要")
    panel.wait_figure("患者")

    def updates():
        return [
            m["content"] for a in panel.client.answers.values() for m in a.published
            if m["msg_type"] == "update_display_data"
            and m["content"]["transient"]["display_id"] == kept
        ]

    panel.client.until(updates, 60, "the kept figure")
    assert "患者" in updates()[-1]["data"]["text/plain"]


def test_views_have_their_own_controls(panel):
    def hidden(widget):
        layout = panel.states[widget]["layout"].removeprefix("IPY_MODEL_")
        told = [m["state"]["display"] for m in panel.messages(layout, "update") if "display" in m["state"]]
        return (told or [panel.states[layout]["display"]])[-1] == "none"

    target = panel.find("ComboboxModel")
    layer = panel.find("SelectionSliderModel", "Layer")
    assert hidden(target) and not hidden(layer)
    view = panel.find("DropdownModel", "View")
    panel.set(view, index=panel.states[view]["_options_labels"].index("attribution"))
    panel.wait_figure("Why ")
    panel.client.until(
        lambda: any("options" in m["state"] for m in panel.messages(target, "update")), 20, "options")
    assert hidden(layer) and not hidden(target)


def test_an_error_is_a_sentence_in_the_figure(panel):
    panel.set(panel.find("TextModel"), value=" ")
    assert panel.wait_figure("There is no text yet.").endswith(".")
    panel.set(panel.find("TextModel"), value="the loan")
    panel.wait_figure("query × key")


def test_the_kernel_answers_while_a_figure_is_computed(panel):
    panel.set(panel.find("TextModel"), value="the loan " * 60)
    assert panel.client.run("1 + 1", timeout=20).result == "2"


def test_states_are_given_to_a_front_end_that_comes_later(panel, client):
    text = panel.find("TextModel")
    panel.set(text, value="later")
    control = uuid.uuid4().hex
    client.ask("comm_open", {"comm_id": control, "target_name": "jupyter.widget.control", "data": {}})
    client.ask("comm_msg", {"comm_id": control, "data": {"method": "request_states"}})
    client.until(lambda: panel.messages(control, "update_states"), 20, "the states")
    states = panel.messages(control, "update_states")[-1]["states"]
    assert set(panel.states) <= set(states)
    assert states[text]["model_name"] == "TextModel"
    assert states[text]["state"]["value"] == "later"
    panel.send(text, {"method": "request_state"})
    assert panel.messages(text, "update")[-1]["state"]["value"] == "later"


def test_senseless_messages_do_no_harm(panel):
    text = panel.find("TextModel")
    for data in ({}, {"method": "update"}, {"method": "update", "state": {"value": 7}},
                 {"method": "update", "state": {"foreign": "x" * 1000}}, {"method": []},
                 {"method": "custom", "content": {"event": "submit"}}):
        panel.send(text, data)
    panel.send(text, {"method": "request_state"})
    assert "foreign" not in panel.messages(text, "update")[-1]["state"]
    assert panel.client.run("1 + 1").result == "2"
