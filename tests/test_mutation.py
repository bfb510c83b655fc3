"""The mutation tool finds the code that it changes and the tests that should notice; the suite does not make a whole run."""

from support.code_patching import module_of, planted
from support.named_checks import CHECKS
from support.tests_as_functions import file_as_module, path_of
from tools import mutation


def test_all_packages_and_test_files_are_found():
    assert {module.split(".")[1] for module in mutation.changed_modules()} == {"ops", "autograd", "optim"}
    assert len(mutation.changed_modules()) > 15
    assert {name.split(".")[0] for name in mutation.test_modules()} >= set(mutation.FOLDERS)
    assert all(path_of(name).is_file() for name in mutation.test_modules())
    assert file_as_module("autograd.test_leaves").__file__ == str(path_of("autograd.test_leaves"))


def test_a_change_is_planted_and_taken_back():
    for description, tree, inside in mutation.mutants(module_of("ops.sub")):
        if inside == "sub" and "-g → g" in description:
            with planted(module_of("ops.sub"), tree):
                try:
                    CHECKS["row sub"](6)
                except AssertionError:
                    break
    else:
        raise AssertionError("no change of sub was noticed")
    CHECKS["row sub"](6)
