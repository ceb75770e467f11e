import DataFormats
import JupyterProtocol
import Testing

@Suite("Messages of widgets")
struct WidgetMessagesTests {
  @Test("requests are read, and what is none is refused")
  func requests() {
    #expect(
      WidgetRequest(["method": "update", "state": ["value": "a"], "buffer_paths": []])
        == .update(["value": "a"]))
    #expect(WidgetRequest(["method": "request_state"]) == .requestState)
    #expect(
      WidgetRequest(["method": "custom", "content": ["event": "click"]])
        == .custom(["event": "click"]))
    #expect(WidgetRequest(["method": "custom"]) == .custom([:]))
    for data: JSONObject in [
      [:], ["method": "update"], ["method": "update", "state": 3], ["method": 3],
      ["method": "else"],
    ] {
      #expect(WidgetRequest(data) == nil)
    }
    #expect(WidgetMessages.asksForStates(["method": "request_states"]))
    #expect(!WidgetMessages.asksForStates(["method": "request_state"]))
  }

  @Test("every model says what it is")
  func identities() {
    let models: [(JSONObject, String)] = [
      (WidgetModels.text("a", label: "b"), "Text"),
      (WidgetModels.combobox("a", options: ["b"], label: "c"), "Combobox"),
      (WidgetModels.dropdown(["a"], index: 0, label: "b"), "Dropdown"),
      (WidgetModels.selectionSlider(["a"], index: 0, label: "b"), "SelectionSlider"),
      (WidgetModels.column(["a"]), "VBox"), (WidgetModels.output([]), "Output"),
      (WidgetModels.layout([:]), "Layout"),
    ]
    for (state, name) in models {
      #expect(state["_model_name"] == .string(name + "Model"))
      #expect(state["_view_name"] == .string(name + "View"))
      let major = state["_model_module_version"]?.string?.split(separator: ".").first
      #expect(major == (name == "Output" ? "1" : "2"))
      #expect(state["_model_module"] == state["_view_module"])
    }
    #expect(WidgetModels.column(["x"])["children"] == ["IPY_MODEL_x"])
    #expect(
      WidgetModels.output([MIMEBundle(plainText: "t")])["outputs"] == [
        ["output_type": "display_data", "data": ["text/plain": "t"], "metadata": [:]]
      ])
  }

  @Test("all states together name their models")
  func states() {
    let state = WidgetModels.text("a", label: "b")
    let answer = WidgetMessages.states([("w1", state)])
    #expect(answer["method"] == "update_states")
    #expect(answer["states"]?["w1"]?["model_name"] == "TextModel")
    #expect(answer["states"]?["w1"]?["model_module"] == "@jupyter-widgets/controls")
    #expect(answer["states"]?["w1"]?["model_module_version"] == "2.0.0")
    #expect(answer["states"]?["w1"]?["state"] == .object(state))
  }
}
