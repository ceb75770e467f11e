public import DataFormats

/// What a front end asks of a widget: the `data` of a `comm_msg` of the Jupyter widgets' protocol.
public enum WidgetRequest: Sendable, Hashable {
  /// Parts of the state changed in the front end.
  case update(JSONObject)
  /// The front end wants the whole state.
  case requestState
  /// Something that is no state happened, such as a click.
  case custom(JSONObject)

  /// Reads a message's data; `nil` where it is none of the three.
  public init?(_ data: JSONObject) {
    switch data["method"]?.string {
    case "update":
      guard let state = data["state"]?.object else { return nil }
      self = .update(state)
    case "request_state": self = .requestState
    case "custom": self = .custom(data["content"]?.object ?? JSONObject())
    default: return nil
    }
  }
}

/// The messages of the Jupyter widgets' protocol that a kernel sends (version 2.1 of the messages).
///
/// States are sent without binary buffers: `buffer_paths` is always empty.
public enum WidgetMessages {
  /// The comm target of a widget.
  public static let target = "jupyter.widget"
  /// The comm target by which a front end asks for all widgets at once.
  public static let controlTarget = "jupyter.widget.control"
  /// The MIME type of a widget's view.
  public static let viewType = "application/vnd.jupyter.widget-view+json"
  /// The metadata of `comm_open`; a front end refuses another major version.
  public static let openMetadata: JSONObject = ["version": "2.1.0"]

  /// The data of `comm_open`.
  public static func open(_ state: JSONObject) -> JSONObject {
    ["state": .object(state), "buffer_paths": []]
  }

  /// Tells the front ends that parts of a state changed in the kernel.
  public static func update(_ changes: JSONObject) -> JSONObject {
    ["method": "update", "state": .object(changes), "buffer_paths": []]
  }

  /// Tells the front ends that a change of one of them was taken in.
  public static func echo(_ changes: JSONObject) -> JSONObject {
    ["method": "echo_update", "state": .object(changes), "buffer_paths": []]
  }

  /// Whether a message on the control target asks for all states.
  public static func asksForStates(_ data: JSONObject) -> Bool {
    data["method"]?.string == "request_states"
  }

  /// Answers `request_states` with the states by the widgets' ids.
  public static func states(_ states: [(identifier: String, state: JSONObject)]) -> JSONObject {
    var models = JSONObject()
    for (identifier, state) in states {
      models[identifier] = [
        "model_name": state["_model_name"] ?? .null,
        "model_module": state["_model_module"] ?? .null,
        "model_module_version": state["_model_module_version"] ?? .null,
        "state": .object(state),
      ]
    }
    return ["method": "update_states", "states": .object(models), "buffer_paths": []]
  }

  /// What shows a widget's view where its model is known.
  public static func view(of identifier: String) -> JSON {
    ["version_major": 2, "version_minor": 0, "model_id": .string(identifier)]
  }
}

/// The states of the widgets of `@jupyter-widgets`, as far as a front end needs them.
public enum WidgetModels {
  /// A line of text to write in.
  public static func text(
    _ value: String, label: String, placeholder: String = "", layout: String? = nil
  ) -> JSONObject {
    controls(
      "Text", layout,
      [
        "value": .string(value), "description": .string(label), "placeholder": .string(placeholder),
        "continuous_update": true,
      ])
  }

  /// A line of text to write in, with suggestions to choose from.
  public static func combobox(
    _ value: String, options: [String], label: String, placeholder: String = "",
    layout: String? = nil
  ) -> JSONObject {
    controls(
      "Combobox", layout,
      [
        "value": .string(value), "options": .array(options.map { .string($0) }),
        "ensure_option": false, "description": .string(label),
        "placeholder": .string(placeholder), "continuous_update": true,
      ])
  }

  /// A menu of which one item is chosen.
  public static func dropdown(
    _ options: [String], index: Int, label: String, layout: String? = nil
  ) -> JSONObject {
    controls(
      "Dropdown", layout,
      [
        "_options_labels": .array(options.map { .string($0) }), "index": .integer(index),
        "description": .string(label),
      ])
  }

  /// A slider of which one place is chosen.
  public static func selectionSlider(
    _ options: [String], index: Int, label: String, layout: String? = nil
  ) -> JSONObject {
    controls(
      "SelectionSlider", layout,
      [
        "_options_labels": .array(options.map { .string($0) }), "index": .integer(index),
        "description": .string(label), "continuous_update": true, "orientation": "horizontal",
        "readout": true,
      ])
  }

  /// Widgets one below the other.
  public static func column(
    _ children: [String], classes: [String] = [], layout: String? = nil
  ) -> JSONObject {
    controls(
      "VBox", layout,
      [
        "children": .array(children.map { .string(reference(to: $0)) }),
        "_dom_classes": .array(classes.map { .string($0) }),
      ])
  }

  /// A place for outputs as cells have them.
  public static func output(_ bundles: [MIMEBundle], layout: String? = nil) -> JSONObject {
    widget(
      "Output", module: "@jupyter-widgets/output", version: "1.0.0", layout,
      ["msg_id": "", "outputs": outputs(bundles)])
  }

  /// The `outputs` of an output widget.
  public static func outputs(_ bundles: [MIMEBundle]) -> JSON {
    .array(
      bundles.map { bundle in
        [
          "output_type": "display_data", "data": .object(bundle.data),
          "metadata": .object(bundle.metadata),
        ]
      })
  }

  /// How a widget is laid out, as properties of CSS; `null` where nothing is said.
  public static func layout(_ properties: JSONObject) -> JSONObject {
    var state: JSONObject = [
      "_model_module": "@jupyter-widgets/base", "_model_module_version": "2.0.0",
      "_model_name": "LayoutModel", "_view_module": "@jupyter-widgets/base",
      "_view_module_version": "2.0.0", "_view_name": "LayoutView",
    ]
    for member in properties.members { state[member.key] = member.value }
    return state
  }

  /// How a state refers to another widget.
  public static func reference(to identifier: String) -> String { "IPY_MODEL_" + identifier }

  private static func controls(
    _ name: String, _ layout: String?, _ state: JSONObject
  ) -> JSONObject {
    widget(name, module: "@jupyter-widgets/controls", version: "2.0.0", layout, state)
  }

  private static func widget(
    _ name: String, module: String, version: String, _ layout: String?, _ state: JSONObject
  ) -> JSONObject {
    var whole: JSONObject = [
      "_model_module": .string(module), "_model_module_version": .string(version),
      "_model_name": .string(name + "Model"), "_view_module": .string(module),
      "_view_module_version": .string(version), "_view_name": .string(name + "View"),
    ]
    if let layout { whole["layout"] = .string(reference(to: layout)) }
    for member in state.members { whole[member.key] = member.value }
    return whole
  }
}
