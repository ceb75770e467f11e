"""Runs jupyter_kernel_test with every attribute set; a skipped test counts as a failure."""
import sys
import unittest

import jupyter_kernel_test

EXPECTED = 13


class VitrineTests(jupyter_kernel_test.KernelTests):
    kernel_name = "vitrine"
    language_name = "vitrine"
    file_extension = ".vit"
    code_hello_world = 'print("hello, world")'
    code_stderr = 'warn("oops")'
    completion_samples = [{"text": "atten", "matches": ["attention"]}, {"text": "attention("}]
    complete_code_samples = ["1 + 1", "x = [1, 2]", "def f(a) = a + 1", "# a remark", ""]
    incomplete_code_samples = ["attention(", "x = [1,", "def f(a) {", '"""some text']
    invalid_code_samples = [")", "x = = 1"]
    code_page_something = "attention?"
    code_generate_error = "nonexistent_name"
    code_execute_result = [
        {"code": "1 + 1", "result": "2"},
        {"code": "6 * 7", "result": "42"},
        {"code": "2 + 1", "result": "3"},
    ]
    code_display_data = [{"code": 'show("a text")', "mime": "text/plain"}]
    code_history_pattern = "1 + 1*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "attention"
    code_clear_output = "clear()"


class VitrineWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "vitrine"
    support_iopub_welcome = True


def main():
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case)
        for case in (VitrineTests, VitrineWelcomeTests)
    )
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    unset = [
        name
        for name in vars(jupyter_kernel_test.KernelTests)
        if name.endswith(("_samples", "_operations")) or name.startswith(("code_", "language_"))
        if not getattr(VitrineTests, name)
    ]
    print("attributes left unset:", ", ".join(unset) or "none")
    bad = len(result.failures) + len(result.errors) + len(result.skipped)
    print(f"jupyter_kernel_test: {result.testsRun - bad} passed, {bad} failed")
    return bad > 0 or bool(unset) or result.testsRun != EXPECTED


if __name__ == "__main__":
    sys.exit(main())
