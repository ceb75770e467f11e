"""The cells of Vitrine's language that the tests run."""

#: Computes for hours, in small steps and little memory.
ENDLESS = """for a in 0..<1000 {
  for b in 0..<1000 {
    for c in 0..<1000 {
      for d in 0..<1000 { d }
      0
    }
    0
  }
  0
}"""
#: Binds a name, and asks for it again.
BIND, RECALL, RECALLED = "kept = 41", "kept + 1", "42"
FAILING = "nonexistent_name"
VALUE, VALUE_TEXT = "1 + 1", "2"
PREFIX, COMPLETION = "atten", "attention"
INSPECTED = "attention"
ASKING = 'input("Your name? ")'
FLOOD_LINES = 20000
FLOOD = f"for i in 0..<{FLOOD_LINES} {{ print(i) }};"


def text(value):
    """A cell that only holds this text."""
    return f'"{value}"'


def printing(value):
    """A cell that prints this text."""
    return f'print("{value}")'
